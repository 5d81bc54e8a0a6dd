"""A run claims the clone while it makes something, and says what stands in its way; jobs are stubs."""

import copy
import os

import pytest

from amongus.core import run_lock
from claimed import claimed
from harness import Project
from micro import STUDY

NOTED = """
import os
from pathlib import Path
Path("claimed.txt").write_text(" ".join(sorted(os.listdir(".snakemake/owners"))))
assert not os.path.exists("broken")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The micro study where a run through Slurm has died, and whose queue cannot be asked."""
    project = Project(tmp_path / "clone", copy.deepcopy(STUDY)).stub()
    for path in (project.folder / "workflow" / "scripts").glob("[a-z]*.py"):
        path.write_text(path.read_text() + NOTED)
    squeue = tmp_path / "bin" / "squeue"
    squeue.parent.mkdir()
    squeue.write_text("#!/bin/sh\necho no controller >&2\nexit 1\n")
    squeue.chmod(0o755)
    # The environment of a run begins with this interpreter's folder, where there is no squeue.
    monkeypatch.setenv("PATH", f"{squeue.parent}:{os.environ['PATH']}")
    claimed(project.folder / ".snakemake", submits=True)
    return project


def test_a_run_asks_what_it_must_and_leaves_no_claim(project):
    state, told = project.folder / ".snakemake", project.folder / "claimed.txt"
    (dead,) = run_lock.claims(state)
    project.snakemake("plan")
    assert told.read_text() == f"{dead.host}-{dead.pid}.json"
    assert "squeue failed (no controller)" in refused(project)
    run_lock.claim(
        [f"{project.results.relative_to(project.folder)}/datasets/reasoning/dev.parquet"], folder=state
    )
    assert f"at work here (process {os.getpid()}) and makes 1 of the same files" in refused(project)
    run_lock.release(state)
    run_lock.forget(dead, state)
    told.unlink()
    (project.folder / "broken").touch()
    assert "AssertionError" in refused(project)
    assert told.exists() and not run_lock.claims(state)
    (project.folder / "broken").unlink()
    told.unlink()
    project.snakemake("datasets")
    assert told.read_text().startswith(f"{dead.host}-") and not run_lock.claims(state)


def refused(project):
    """What a run that fails says."""
    done = project.snakemake("datasets", check=False)
    assert done.returncode
    return done.stdout + done.stderr
