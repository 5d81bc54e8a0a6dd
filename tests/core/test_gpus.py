"""GPUs of this machine: counted, asked for in vain, and each job's its own. No test touches one."""

import os
import subprocess
import sys

import pytest

from amongus.core import gpus
from amongus.core.errors import StudyError
from checkout import ROOT


def test_gpus_that_are_not_there_are_refused():
    gpus.check_gpus(0, "cpu", 0)
    gpus.check_gpus(2, "cuda", 2)
    with pytest.raises(StudyError, match=r"asks for 2 GPU\(s\) .* set engine"):
        gpus.check_gpus(2, "cuda", 0)
    with pytest.raises(StudyError, match=r"asks for 3 GPU\(s\) a job, and jobs here may use 2"):
        gpus.check_gpus(3, "cuda", 2)


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("0,1", ["0", "1"]),
        ("GPU-8f2a, GPU-77c0,", ["GPU-8f2a", "GPU-77c0"]),
        ("", []),
        ("-1", []),
        ("1,-1,0", ["1"]),
    ],
)
def test_gpus_are_those_that_cuda_shows(monkeypatch, listed, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert gpus.visible() == names


@pytest.fixture
def four(monkeypatch):
    """Four GPUs; what is taken is let go of afterwards."""
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setattr(gpus, "_held", [])
    yield
    for handle in gpus._held:
        os.close(handle)


# Takes as many GPUs as it is told, says which, and keeps them until it is closed.
JOB = (
    "import os, sys; from amongus.core.gpus import take_gpus; take_gpus(int(sys.argv[1]), sys.argv[2], 30); "
)
JOB += "print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); sys.stdin.read()"


def job(count, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    command = [sys.executable, "-c", JOB, str(count), str(folder)]
    return subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_jobs_beside_each_other_use_different_ones(four, tmp_path):
    running = [job(count, tmp_path) for count in (1, 2, 1)]
    taken = [process.stdout.readline().strip().split(",") for process in running]
    assert [len(names) for names in taken] == [1, 2, 1]
    assert sorted(name for names in taken for name in names) == ["0", "1", "2", "3"]
    with pytest.raises(StudyError, match="needs 1 of the GPUs 0, 1, 2, 3, and others keep them busy"):
        gpus.take_gpus(1, tmp_path, seconds=0)
    # Killed, it lets go.
    running[1].kill()
    running[1].wait()
    gpus.take_gpus(2, tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"].split(",") == sorted(taken[1])
    for process in running:
        process.communicate()


@pytest.mark.parametrize("count", [0, 4, 5])
def test_nothing_is_changed_where_all_or_none_are_needed(four, tmp_path, count):
    gpus.take_gpus(count, tmp_path / "gpus")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1,2,3" and not (tmp_path / "gpus").exists()


def test_jobs_side_by_side_in_one_allocation_use_different_gpus(four, tmp_path, monkeypatch):
    """`salloc --gpus=4`, then a local run in it: Slurm has given them to all jobs together."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    gpus.take_gpus(1, tmp_path / "gpus")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
