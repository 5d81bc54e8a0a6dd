"""Checkpoints are resumed from where they are whole, and kept until the model they lead to is in its place."""

import errno
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import train
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.training import launching, worker
from amongus.training.checkpoints import last_checkpoint, note_whole
from amongus.training.job import TrainJob
from damage import harm

FILES = ("adapter_model.safetensors", "adapter_config.json", "optimizer.pt", "global_step/rank_0.pt")


@pytest.fixture
def checkpoints(tmp_path):
    """Two checkpoints, noted as whole."""
    for step in (5, 10):
        folder = tmp_path / "scratch" / f"checkpoint-{step}"
        for name in (*FILES, "trainer_state.json"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps({"global_step": step}))
        note_whole(folder)
    return tmp_path / "scratch"


def test_the_last_checkpoint_is_resumed(checkpoints):
    assert last_checkpoint(checkpoints) == str(checkpoints / "checkpoint-10")
    assert last_checkpoint(checkpoints / "checkpoint-5") is None


@pytest.mark.parametrize("damage", ["truncated", "empty", "missing"])
@pytest.mark.parametrize("name", [*FILES, "trainer_state.json", "whole.json"])
def test_a_checkpoint_that_is_not_whole_is_removed(checkpoints, name, damage):
    path = checkpoints / "checkpoint-10" / name
    if damage == "missing":
        path.unlink()
    else:
        harm(path, damage)
    assert last_checkpoint(checkpoints) == str(checkpoints / "checkpoint-5")
    assert not (checkpoints / "checkpoint-10").exists()


def test_a_checkpoint_that_the_disk_does_not_give_stays(checkpoints, monkeypatch):
    def broken(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(OSError, match="Input/output"):
        last_checkpoint(checkpoints)
    assert len(list(checkpoints.iterdir())) == 2


def test_nothing_is_no_checkpoint(tmp_path):
    with pytest.raises(StudyError, match="has written no checkpoint"):
        note_whole(tmp_path / "checkpoint-7")


def test_checkpoints_outlive_a_kill_before_the_model_is_in_its_place(checkpoints, tmp_path, monkeypatch):
    def killed(folder):
        raise KeyboardInterrupt

    model = tmp_path / "models" / "x"
    rule = SimpleNamespace(
        params=SimpleNamespace(room=("models", "lora"), parents={}),
        output=type("Outputs", (list,), {"cost": str(tmp_path / "cost.json")})([str(model)]),
    )
    monkeypatch.setattr(train, "job_of_rule", lambda snakemake, out: SimpleNamespace(scratch=checkpoints))
    monkeypatch.setattr(
        train, "plugins", SimpleNamespace(module=lambda *room: SimpleNamespace(train=lambda job: {}))
    )
    monkeypatch.setattr(train, "write_fingerprint", killed)
    with pytest.raises(KeyboardInterrupt):
        train.main(rule)
    assert last_checkpoint(checkpoints) and not model.exists()
    monkeypatch.setattr(train, "write_fingerprint", lambda folder: None)
    # Snakemake removes the model of a job that fails in the end.
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(train, "write_cost", lambda *told: killed(model))
        train.main(rule)
    assert last_checkpoint(checkpoints)
    train.main(rule)
    assert model.exists() and not checkpoints.exists()


@pytest.fixture
def told(tmp_path, monkeypatch):
    """A worker whose training ends by the error that is appended to the list; and what it tells, or None."""
    errors = []

    def fail(job):
        raise errors.pop()

    monkeypatch.setattr(worker, "die_with_parent", lambda: None)
    monkeypatch.setattr(worker, "read_job", lambda path: ("somewhere", None))
    monkeypatch.setattr(
        worker, "importlib", SimpleNamespace(import_module=lambda name: SimpleNamespace(train=fail))
    )
    result = tmp_path / "result.json"

    def tell(error):
        errors.append(error)
        assert worker.main(tmp_path / "job.json") == 1
        return read_json(result)["error"]

    return tell


def test_a_full_disk_in_a_process_is_its_line(told, tmp_path, monkeypatch):
    assert told(StudyError("no rows")) == "no rows"
    assert told(OSError(errno.ENOSPC, "No space left on device")).startswith(f"{tmp_path}: the disk is full")
    with pytest.raises(RuntimeError):
        told(RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598"))
    monkeypatch.setattr("amongus.core.errors.no_room", lambda folder: True)
    line = told(RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598"))
    assert line.startswith(f"{tmp_path}: the disk is full")
    with pytest.raises(RuntimeError, match="nan"):
        told(RuntimeError("nan"))


def test_a_full_disk_that_leaves_no_room_for_a_line_is_seen_afterwards(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch" / "x.0123456789ab"
    job = TrainJob("x", {}, {}, tmp_path / "out", 1, scratch=scratch)
    torn = scratch / "checkpoint-7"

    def run(job):
        torn.mkdir()
        return ["false"]

    monkeypatch.setattr(launching, "_command", run)
    monkeypatch.setattr(launching, "no_room", lambda folder: True)
    with pytest.raises(StudyError, match=f"status 1; the disk is full; make room there.* in {scratch}"):
        launching.launch(worker, job)
    assert scratch.exists() and not torn.exists()
