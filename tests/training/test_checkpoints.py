"""Checkpoints are complete or not there, and kept until the model they lead to is in its place."""

import errno
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import train
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.study.settings import Strict
from amongus.training import from_data, launching
from amongus.training.job import TrainJob
from amongus.training.launching import last_checkpoint


@pytest.fixture
def write(tmp_path):
    """Writes a checkpoint as the trainer does, and returns it."""

    def write(step):
        folder = tmp_path / "scratch" / "launch.x" / f"checkpoint-{step}"
        (folder / "states").mkdir(parents=True)
        for name in ("adapter_model.safetensors", "states/rank_0.pt"):
            (folder / name).write_text(str(step))
        return folder

    return write


@pytest.fixture
def scratch(write, tmp_path):
    """A scratch folder with a checkpoint."""
    from_data.keep(write(5))
    return tmp_path / "scratch"


def test_a_checkpoint_takes_the_place_of_the_one_before(write, scratch):
    assert last_checkpoint(scratch) == scratch / "checkpoint-5"
    from_data.keep(write(10))
    (kept,) = scratch.glob("checkpoint-*")
    assert last_checkpoint(scratch) == kept == scratch / "checkpoint-10"
    assert {path.read_text() for path in kept.rglob("*") if path.is_file()} == {"10"}


def test_what_is_half_written_is_no_checkpoint(write, scratch, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    write(10)
    assert last_checkpoint(scratch) == scratch / "checkpoint-5"
    monkeypatch.setattr(from_data, "sync", full)
    with pytest.raises(OSError, match="No space"):
        from_data.keep(write(15))
    assert last_checkpoint(scratch) == scratch / "checkpoint-5"


def test_the_last_checkpoint_is_that_of_the_most_steps(tmp_path):
    assert last_checkpoint(tmp_path) is None
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_checkpoints_outlive_a_kill_before_the_job_is_done(scratch, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    model = tmp_path / "models" / "x"
    rule = SimpleNamespace(
        params=SimpleNamespace(plugin=("models", "lora"), parents={}),
        output=type("Outputs", (list,), {"cost": str(tmp_path / "cost.json")})([str(model)]),
        resources={},
        log=["x/logs/y.log"],
    )
    module = SimpleNamespace(train=lambda job: {})
    monkeypatch.setattr(train, "job_of_rule", lambda rule, out: SimpleNamespace(scratch=scratch))
    monkeypatch.setattr(train, "plugins", SimpleNamespace(module=lambda *name: module))
    monkeypatch.setattr("_helpers.configure_logging", lambda rule: None)
    monkeypatch.setattr("_helpers.write_sums", lambda path, outputs: None)
    monkeypatch.setattr(train, "write_fingerprint", lambda folder: None)
    for step in ("train.write_fingerprint", "train.write_cost", "_helpers.write_sums"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(step, killed)
            train.train(rule)
        assert last_checkpoint(scratch)
    train.train(rule)
    assert model.exists() and not scratch.exists()


@pytest.fixture
def error_of(tmp_path, monkeypatch):
    """What a worker writes whose training ends by an exception."""
    monkeypatch.setattr(launching, "die_with_parent", lambda: None)
    path = tmp_path / "job.json"
    path.write_bytes(TrainJob("x", ("methods", "soup"), Strict(), {}, Path("out"), 1).to_json())

    def error_of(error):
        def fail(job):
            raise error

        monkeypatch.setitem(sys.modules, "failing", SimpleNamespace(train=fail))
        assert launching.main("failing", path) == 1
        return read_json(tmp_path / launching.RESULT)["error"]

    return error_of


def test_a_full_disk_in_a_process_is_one_line(error_of, tmp_path, monkeypatch):
    torn = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")
    assert error_of(StudyError("no rows")) == "no rows"
    assert error_of(OSError(errno.ENOSPC, "No space left on device")).startswith(f"{tmp_path}: the disk is full")
    with pytest.raises(RuntimeError):
        error_of(torn)
    monkeypatch.setattr("amongus.core.errors.no_room", lambda folder: True)
    assert error_of(torn).startswith(f"{tmp_path}: the disk is full")
    with pytest.raises(RuntimeError, match="nan"):
        error_of(RuntimeError("nan"))
