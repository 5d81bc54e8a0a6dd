"""Each check of the doctor in surroundings made for it: a machine, a folder, a hub on loopback."""

import copy
import hashlib
import json
import shutil
from types import SimpleNamespace

import pytest
import yaml

import micro
import tiny
from amongus import sandbox
from amongus.cli import doctor
from amongus.cli.plan import read_study
from amongus.core.errors import StudyError
from checkout import ROOT

BASE = {
    **micro.STUDY,
    "attackers": {},
    "pools": {"clean": ["x", "y"]},
    "methods": {"debate": {}},
    "plan": {"model_gigabytes": 0.1},
}


@pytest.fixture
def examine(tmp_path, monkeypatch):
    """What the doctor finds in the micro study without attackers, with changes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def examine(**changes):
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump({**copy.deepcopy(BASE), **changes}))
        study = read_study([path])
        doctor.use_mirrors(study.config.datasets_folder, study.config.hub_folder)
        return doctor.examine(study)

    yield examine
    doctor.use_mirrors(None, None)


def url(address):
    return {"url": address, "sha256": "0" * 64, "test": 3}


def test_nothing_is_missing_for_a_toy_study(examine):
    assert not any(examine().values())


def test_addresses_are_requested_without_a_token(examine, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    hub.add("owner/rows", {"a.json": b"{}"})
    pages = {"gsm8k": "storage/owner/rows/a", "coconot": "b"}
    found = examine(datasets={name: url(f"{hub.url}/{page}.json") for name, page in pages.items()})
    assert not found["dataset gsm8k"]
    assert f"{hub.url}/b.json: unavailable (HTTP Error 404" in found["dataset coconot"]
    assert set(hub.tokens.values()) == {None}
    assert "refused" in examine(datasets={"gsm8k": url("http://127.0.0.1:9/a.json")})["dataset gsm8k"]


def test_local_files_are_read_and_no_address_is_requested(examine, tmp_path):
    rows = json.dumps({split: [{"input": "1+1", "output": "2"}] for split in ("dev", "test")})
    (tmp_path / "a.json").write_text(rows)
    whole = {**url("http://nowhere.invalid/a.json"), "sha256": hashlib.sha256(rows.encode()).hexdigest()}
    given = {"gsm8k": whole, "nlgraph": {**whole, "sha256": "0" * 64}, "coconot": url("http://x.invalid/b.json")}
    found = examine(datasets=given, datasets_folder=str(tmp_path))
    assert not found["dataset gsm8k"]
    assert "sha256 differs" in found["dataset nlgraph"] and "b.json: no such file" in found["dataset coconot"]
    assert "needs either path or url" in examine(datasets={"coconot": {"test": 1}})["dataset coconot"]


def base(revision):
    """The study's models, the base as one of the hub."""
    return {**micro.STUDY["models"], "base": {"kind": "hub", "repo": "owner/base", "revision": revision}}


def test_repositories_of_the_hub(examine, hub):
    revision = hub.add("owner/base", {})
    assert not examine(models=base(revision))["model base"]
    assert "no such revision" in examine(models=base("0" * 40))["model base"]
    assert "not pinned" in examine(models=base("unpinned"))["model base"]
    hub.gated.add("owner/base")
    assert "gated; accept its licence" in examine(models=base(revision))["model base"]


def test_repositories_in_a_local_folder(examine, tmp_path):
    given = {"models": base("0" * 40), "hub_folder": str(tmp_path)}
    assert "no such folder" in examine(**given)["model base"]
    (tmp_path / "owner" / "base").mkdir(parents=True)
    assert not examine(**given)["model base"]


def test_chat_templates_of_repositories_that_are_here(examine, tmp_path):
    given, place = {"models": base("0" * 40), "hub_folder": str(tmp_path)}, "chat template of base"
    assert not examine(**given)[place]
    folder = tmp_path / "owner" / "base"
    for template, line in (
        (tiny.TEMPLATE, ""),
        (None, "no chat template"),
        ("{{ messages[-1].content }}", "drops messages"),
        ("{{ raise_exception('no chats') }}", "no chats"),
    ):
        tiny.tokenizer(template).save_pretrained(folder)
        found = examine(**given)[place]
        assert line in found if line else not found
        shutil.rmtree(folder)


def test_gpus_of_the_job_that_needs_most(examine, monkeypatch):
    asked = {"engine": {"device": "cuda"}, "resources": {"trainings": {"x": {"gpu": 2}}}}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "needs 2 GPU(s), and this machine has 1" in examine(**asked)["GPUs"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert not examine(**asked)["GPUs"]


def test_disk_space(examine, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: SimpleNamespace(free=10**6))
    assert "results/micro: 0.0 GB are free, and the study may need 0.8 " in examine()["disk space"]


def test_the_sandbox_and_libraries_where_answers_are_run(examine, monkeypatch):
    def absent():
        raise StudyError("no bwrap: install it")

    both = {name: url(f"http://127.0.0.1:1/{name}.json") for name in ("humaneval", "ds1000")}
    monkeypatch.setattr(sandbox, "preflight", absent)
    monkeypatch.setattr(doctor, "installed", lambda name: name not in ("sklearn", "gensim"))
    found = examine(datasets=both)
    assert "install it" in found["sandbox for code that is scored"]
    assert found["libraries for code that is scored"].endswith("pip install scikit-learn gensim")


def test_a_check_that_fails_itself_hides_no_other(examine, monkeypatch):
    def broken(study):
        raise OSError("no such\ndevice\x1b[2J")

    monkeypatch.setattr(doctor, "_disk", broken)
    found = examine()
    assert "could not be checked (OSError: no such device" in found["disk space"] and "\x1b" not in found["disk space"]
    assert not found["GPUs"]


def test_the_command_names_what_is_missing_last(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["doctor", "--config", str(ROOT / "config" / "demo.yaml")])
    monkeypatch.setattr(doctor, "_gpus", lambda study: doctor.check_gpus(10**6))
    assert doctor.main() == 1
    *rest, last = capsys.readouterr().out.splitlines()
    assert last.startswith("missing  GPUs: ") and all(line.startswith("ok ") for line in rest)


def test_who_has_malicious_weights_of_real_size_is_named():
    paper = read_study([ROOT / "config" / "paper.yaml"])
    named = doctor.malicious_weights(paper)
    assert {"sft", "grpo"} <= set(named) and "prompt" not in named
    assert not doctor.malicious_weights(read_study([ROOT / "config" / "demo.yaml"]))
