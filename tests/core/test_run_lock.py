"""Runs that claim a clone: one does not hide another, and what a dead one left is known to be dead."""

import os

import pytest

from amongus.core import run_lock
from amongus.core.errors import StudyError
from claimed import DEAD, claimed
from damage import harm


@pytest.fixture
def lock(tmp_path):
    """A lock that some run has left in `tmp_path`."""
    path = tmp_path / "locks" / "0.output.lock"
    path.parent.mkdir()
    path.write_text("x")
    return path


def test_a_run_is_known_from_its_beginning_to_its_end(tmp_path):
    run_lock.claim(["b", "a"], True, tmp_path)
    (own,) = run_lock.claims(tmp_path)
    assert (own.pid, own.alive, own.submits, own.makes) == (os.getpid(), True, True, ["a", "b"])
    other = claimed(tmp_path)
    run_lock.release(tmp_path)
    run_lock.release(tmp_path)
    assert [run.alive for run in run_lock.claims(tmp_path)] == [False] and other.exists()


@pytest.mark.parametrize("unseen", [{"host": "elsewhere"}, {"began": None}])
def test_of_a_run_that_cannot_be_seen_nobody_can_tell(tmp_path, unseen):
    claimed(tmp_path, **unseen)
    assert [run.alive for run in run_lock.claims(tmp_path)] == [None]


def test_locks_of_dead_runs_are_removed(tmp_path, lock):
    local, slurm = claimed(tmp_path), claimed(tmp_path, pid=2**22 + 2, submits=True)
    assert run_lock.release_dead(tmp_path) and not lock.exists()
    # Its jobs may still be in the queue.
    assert slurm.exists() and not local.exists()


@pytest.mark.parametrize("other", ["none", "alive", "elsewhere", "of the old form"])
def test_a_lock_that_may_be_a_living_runs_is_kept(tmp_path, lock, other):
    if other == "of the old form":
        (tmp_path / "owner.json").write_text("{}")
    elif other != "none":
        claimed(tmp_path)
    if other == "alive":
        run_lock.claim(folder=tmp_path)
    elif other == "elsewhere":
        claimed(tmp_path, host="elsewhere")
    assert not run_lock.release_dead(tmp_path) and lock.exists()


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped"])
@pytest.mark.parametrize(("pid", "alive"), [(DEAD, False), (os.getpid(), None)], ids=["dead", "alive"])
def test_of_a_damaged_claim_its_name_is_left(tmp_path, monkeypatch, damage, pid, alive):
    monkeypatch.setattr(run_lock.shutil, "which", lambda name: f"/bin/{name}")
    harm(claimed(tmp_path, pid=pid), damage)
    for _ in range(2):
        (run,) = run_lock.claims(tmp_path)
        assert (run.pid, run.alive, run.submits) == (pid, alive, True)
    monkeypatch.setattr(run_lock.shutil, "which", lambda name: None)
    assert not run_lock.claims(tmp_path)[0].submits
    run_lock.forget(run, tmp_path)
    assert not run_lock.claims(tmp_path) and not list((tmp_path / "owners").iterdir())


def test_two_runs_never_make_the_same_files(tmp_path):
    run_lock.claim(["a", "b"], folder=tmp_path)
    run_lock.refuse_same(["c"], tmp_path)
    with pytest.raises(StudyError, match=rf"process {os.getpid()}\) and makes 1 of the same files \(b, "):
        run_lock.refuse_same(["c", "b"], tmp_path)
    run_lock.release(tmp_path)
    claimed(tmp_path, makes=["b"])
    run_lock.refuse_same(["b"], tmp_path)
