"""Jobs end with the run that started them."""

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amongus.core import processes

SCRIPTS = str(Path(processes.__file__).parents[2])
JOB = "print(1, flush=True); import _helpers, time; print(2, flush=True); time.sleep(60)"


@pytest.fixture
def run():
    """A process in the place of Snakemake that no parent waits for: killed, it becomes a zombie."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def start():
    """Starts a job as if by the given Snakemake; all are killed in the end."""
    started = []

    def start(run):
        environment = {**os.environ, "PYTHONPATH": SCRIPTS, "AMONGUS_RUN": run}
        job = subprocess.Popen([sys.executable, "-c", JOB], env=environment, stdout=subprocess.PIPE)
        started.append(job)
        assert job.stdout.readline() == b"1\n"
        return job

    yield start
    for job in started:
        job.kill()
        job.communicate()


def run_of(pid, began, namespace=None):
    """How a job is told of its run."""
    return f"{pid} {began} {processes._pid_namespace() if namespace is None else namespace}"


def test_a_job_is_killed_with_its_run_and_not_before(run, start):
    job = start(run_of(run.pid, processes.began(run.pid)))
    assert job.stdout.readline() == b"2\n"
    time.sleep(2 * processes._PAUSE)
    assert job.poll() is None
    run.kill()
    assert job.wait(timeout=30) == -signal.SIGKILL


@pytest.mark.parametrize("gone", [("1", "123"), ("999999999", "55")])
def test_a_job_whose_run_is_gone_already_is_killed(start, gone):
    assert start(run_of(*gone)).wait(timeout=30) == -signal.SIGKILL


@pytest.mark.parametrize(
    "unseen", ["", "1 123", run_of("999999999", "None", ""), run_of("999999999", "55", "boot:pid:[1]")]
)
def test_a_run_that_cannot_be_seen_is_not_waited_for(start, unseen):
    job = start(unseen)
    assert job.stdout.readline() == b"2\n"
    time.sleep(2 * processes._PAUSE)
    assert job.poll() is None


def test_scripts_watch_before_they_import_what_takes_long():
    scripts = [path for path in Path(SCRIPTS).glob("*.py") if not path.name.startswith("_")]
    for path in scripts:
        imports = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports]
        heavy = (name for name in names if name.partition(".")[0] not in sys.stdlib_module_names)
        assert next(heavy) == "_helpers", path
    assert scripts


def test_a_zombie_does_not_run(run):
    assert processes.began(run.pid)
    run.kill()
    deadline = time.monotonic() + 30
    while processes.began(run.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert os.path.exists(f"/proc/{run.pid}")


def test_jobs_are_told_their_run(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    processes.prepare_environment()
    assert os.environ["AMONGUS_RUN"] == run_of(os.getpid(), processes.began(os.getpid()))
    assert processes._pid_namespace()
