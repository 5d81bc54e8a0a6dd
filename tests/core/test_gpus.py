"""GPUs of this machine: counted, and never shared by two jobs. No test touches one."""

import os
import subprocess
import sys
import tempfile
from select import select

import pytest

from amongus.core import gpus
from amongus.core.errors import StudyError
from checkout import ROOT


@pytest.mark.parametrize(
    ("listed", "names"),
    [("0,1", ["0", "1"]), ("GPU-8f2a, GPU-77c0,", ["GPU-8f2a", "GPU-77c0"]), ("", []), ("-1", []), ("1,-1,0", ["1"])],
)
def test_gpus_are_those_that_cuda_shows(monkeypatch, listed, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert gpus.visible() == names


@pytest.fixture
def four(tmp_path, monkeypatch):
    """Four GPUs, locked in a folder of the test's; what is taken is released afterwards."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setattr(gpus, "_held", [])
    yield
    for handle in gpus._held:
        os.close(handle)


# Takes as many GPUs as it is told, prints which, and keeps them until its input is closed.
JOB = """
import os, sys
from amongus.core.gpus import take_gpus
take_gpus(int(sys.argv[1]))
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


def job(count):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    command = [sys.executable, "-c", JOB, str(count)]
    return subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_jobs_beside_each_other_use_different_gpus_and_others_wait(four):
    running = [job(count) for count in (1, 2, 1)]
    taken = [process.stdout.readline().strip().split(",") for process in running]
    assert [len(names) for names in taken] == [1, 2, 1]
    assert sorted(name for names in taken for name in names) == ["0", "1", "2", "3"]
    waiting = job(3)
    assert not select([waiting.stdout], [], [], 1)[0]
    # One that is killed releases its own; two and one of the others are then free.
    running[1].kill()
    running[0].communicate()
    assert waiting.stdout.readline().strip().split(",") == sorted([*taken[0], *taken[1]])
    for process in (running[1], running[2], waiting):
        process.communicate()


def test_two_jobs_that_each_need_most_gpus_do_not_hold_each_other_up(four):
    jobs = [job(3) for _ in range(3)]
    for _ in jobs:
        (ready, *_), _, _ = select([one.stdout for one in jobs if not one.stdin.closed], [], [], 60)
        (first,) = (one for one in jobs if one.stdout is ready)
        assert first.communicate()[0].strip() == "0,1,2"


def test_more_gpus_than_there_are_and_none(four, tmp_path):
    gpus.take_gpus(0)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1,2,3" and not list(tmp_path.iterdir())
    with pytest.raises(StudyError, match=r"needs 5 GPU\(s\), and this machine has 4 "):
        gpus.take_gpus(5)


def test_each_slurm_job_counts_its_gpus_by_itself(four, monkeypatch):
    """Slurm may number each job's GPUs from 0; several jobs of a run inside one allocation still share nothing."""
    for slurm, taken in (("7", "0"), ("8", "0"), ("7", "1")):
        monkeypatch.setenv("SLURM_JOB_ID", slurm)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        gpus.take_gpus(1)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == taken
