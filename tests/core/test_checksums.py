"""The checksums of a job's outputs, as `sha256sum -c` reads them."""

import subprocess
from types import SimpleNamespace

import pytest

import _helpers
from amongus.core.checksums import write_sums
from amongus.members.member import write_fingerprint

LOG = "results/s/seed-1/logs/train/x.log"
SUMS = "results/s/seed-1/checksums/train/x.sha256"


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """A file and a folder with a record of its files, in the current folder."""
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "results" / "s" / "model"
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "weights").write_text("1")
    write_fingerprint(model, weights=False)
    (model / "team.json").write_text("later than the record")
    (tmp_path / "results" / "s" / "x.json").write_text("{}")
    return ["results/s/x.json", "results/s/model"]


def test_sha256sum_checks_every_file_from_the_projects_root(outputs, tmp_path):
    write_sums(SUMS, outputs)
    check = ["sha256sum", "--strict", "-c", SUMS]
    shown = subprocess.run(check, capture_output=True, text=True, check=True).stdout
    assert shown == "".join(
        f"results/s/{name}: OK\n"
        for name in ("model/deep/weights", "model/fingerprint.json", "model/team.json", "x.json")
    )
    (tmp_path / "results" / "s" / "model" / "deep" / "weights").write_text("2")
    assert subprocess.run(check, capture_output=True).returncode == 1


def test_a_job_has_checksums_once_it_has_succeeded(outputs, tmp_path, monkeypatch):
    monkeypatch.setattr(_helpers, "configure_logging", lambda job: None)
    job = SimpleNamespace(log=[LOG], output=outputs, resources={})
    _helpers.run(job, lambda job: None)
    assert (tmp_path / SUMS).exists()

    def fail(job):
        assert not (tmp_path / SUMS).exists()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        _helpers.run(job, fail)
    assert not (tmp_path / SUMS).exists()
