"""How the tests' own Slurm starts, and when it does not; every program of Slurm's is a fake."""

import os
import shutil
import subprocess
import sys

import pytest

import cluster
from amongus.core.processes import began

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "mknod", "ps")


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """The scripts beside an /etc/slurm of their own; stopping is only noted."""
    programs, etc, scripts = (tmp_path / name for name in ("bin", "etc", "scripts"))
    for folder in (programs, etc, scripts):
        folder.mkdir()
    fakes = {**dict.fromkeys(PROGRAMS, ""), "id": "echo 0", "sinfo": "echo n1; echo n2", "seq": "echo 1"}
    for name, body in fakes.items():
        program(programs / name, body)
    text = (cluster.SCRIPTS / "start.sh").read_text()
    assert "/etc/slurm/slurm.conf" in text
    (scripts / "start.sh").write_text(text.replace("/etc/slurm", str(etc)))
    shutil.copymode(cluster.SCRIPTS / "start.sh", scripts / "start.sh")
    program(scripts / "stop.sh", f'echo "$1" >> {tmp_path}/stopped; rm -f {etc}/*')
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_CONF", raising=False)
    monkeypatch.setattr(cluster, "SCRIPTS", scripts)
    return tmp_path


def program(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def other(folder, starter):
    """Configure the cluster of another test run; `starter` is what it noted of itself."""
    (folder / "other").mkdir()
    (folder / "etc" / "slurm.conf").write_text(f"# Written by tests/slurm/start.sh for {folder}/other\n")
    if starter:
        (folder / "other" / "starter").write_text(f"{starter}\n")


def stopped(folder):
    return (folder / "stopped").read_text().split() if (folder / "stopped").exists() else []


def test_a_cluster_is_the_one_who_started_its(scripts):
    with cluster.started(scripts) as problem:
        assert problem is None
        assert (scripts / "starter").read_text() == f"{os.getpid()} {began(os.getpid())}\n"
        assert str(scripts) in (scripts / "etc" / "slurm.conf").read_text().splitlines()[0]
    assert stopped(scripts) == [str(scripts)]


def test_a_living_runs_cluster_is_left_alone(scripts):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        other(scripts, f"{process.pid} {began(process.pid)}")
        done = subprocess.run([cluster.SCRIPTS / "start.sh", scripts], capture_output=True, text=True)
        process.kill()
    assert done.returncode == 77 and not stopped(scripts)
    assert done.stdout == f"another test run has the cluster (process {process.pid})\n"


@pytest.mark.parametrize(
    "starter", [f"{os.getpid()} 1", f"{2**22 + 1} 55", None], ids=["reused", "dead", "unknown"]
)
def test_a_dead_runs_cluster_is_stopped(scripts, starter):
    other(scripts, starter)
    with cluster.started(scripts) as problem:
        assert problem is None and stopped(scripts) == [f"{scripts}/other"]


@pytest.mark.parametrize(
    ("name", "body", "line"),
    [
        ("id", "echo 1000", "a test cluster needs root"),
        ("ps", "echo 'S slurmd'", "another Slurm is at work here"),
        ("mknod", "", "etc/slurm.conf is of another Slurm"),
    ],
)
def test_where_there_can_be_none_it_says_why(scripts, name, body, line):
    program(scripts / "bin" / name, body)
    if "conf" in line:
        (scripts / "etc" / "slurm.conf").write_text("ClusterName=real\n")
    with cluster.started(scripts) as problem:
        assert problem.endswith(line) and len(problem.splitlines()) == 1


@pytest.mark.parametrize("name", ["sinfo", "slurmctld"])
def test_one_that_does_not_start_is_no_reason_to_skip(scripts, name):
    program(scripts / "bin" / name, "exit 1")
    with pytest.raises(RuntimeError, match="the test cluster did not start"), cluster.started(scripts):
        raise AssertionError("not reached")
    assert stopped(scripts) == [str(scripts)]
