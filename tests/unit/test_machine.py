"""Jobs end with the run that started them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from amongus import machine

SCRIPTS = os.path.dirname(os.path.dirname(machine.__file__))
JOB = "from amongus.machine import end_with_run; import time; end_with_run(); print(1, flush=True); time.sleep(60)"


@pytest.fixture
def run():
    """A process in the place of Snakemake, which nobody waits for: killed, it becomes a zombie."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def start():
    """Starts a job as if by the given Snakemake; whatever is left is killed."""
    started = []

    def start(told):
        environment = {**os.environ, "PYTHONPATH": SCRIPTS, "AMONGUS_RUN": told}
        job = subprocess.Popen([sys.executable, "-c", JOB], env=environment, stdout=subprocess.PIPE)
        started.append(job)
        assert job.stdout.readline() == b"1\n"
        return job

    yield start
    for job in started:
        job.kill()
        job.communicate()


def test_a_job_is_killed_with_its_run_and_not_before(run, start):
    job = start(f"{run.pid} {machine.began(run.pid)}")
    time.sleep(2 * machine._PAUSE)
    assert job.poll() is None
    run.kill()
    assert job.wait(timeout=30) == -signal.SIGKILL


@pytest.mark.parametrize("told", ["", "1 123", "999999999 None"])
def test_a_run_that_cannot_be_seen_is_not_waited_for(start, told):
    job = start(told)
    time.sleep(2 * machine._PAUSE)
    assert job.poll() is None


def test_a_zombie_runs_no_more(run):
    assert machine.began(run.pid)
    run.kill()
    deadline = time.monotonic() + 30
    while machine.began(run.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert os.path.exists(f"/proc/{run.pid}")


def test_jobs_learn_whose_they_are(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    machine.prepare_environment()
    assert os.environ["AMONGUS_RUN"] == f"{os.getpid()} {machine.began(os.getpid())}"
