"""A Slurm of two nodes, n1 and n2, with two fake GPUs each, on this machine: started, and what it says of its jobs.

It needs root, and slurmctld, slurmd, slurm-client and munge of Debian. Its state, sockets, logs and devices are in a
folder of the test's; only the configuration must be in /etc/slurm, since jobs do not inherit SLURM_CONF. There is no
accounting database.
"""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from checkout import ROOT

CONFIG = Path("/etc/slurm")
NODES = ("n1", "n2")
GPUS = 4
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
_DAEMONS = ("slurmd", "slurmctld", "slurmstepd", "munged")
_NAME = "amongus_test"
_MARK = "# Of the tests of process "  # The first words of tests/data/slurm.conf.


@contextmanager
def started(folder: Path) -> Iterator[str | None]:
    """Start the cluster with its state in `folder`, and stop it; yields why there can be none here, or None."""
    problem = _problem()
    if problem:
        yield problem
        return
    try:
        _start(folder)
        yield None
    finally:
        _stop()


def _problem() -> str | None:
    """Why no cluster can be started here; one that a killed test has left is stopped."""
    if os.getuid():
        return "a test cluster needs root"
    if absent := [name for name in _PROGRAMS if not shutil.which(name)]:
        return f"{absent[0]} is not installed"
    config = CONFIG / "slurm.conf"
    if config.exists():
        owner = re.match(f"{_MARK}(\\d+)", config.read_text())
        if not owner:
            return f"{config} is of another Slurm"
        if psutil.pid_exists(int(owner[1])):
            return f"another test run has the cluster (process {owner[1]})"
        _stop()
    if os.environ.get("SLURM_CONF") or _daemons():
        return "another Slurm is at work here"
    return None


def _start(folder: Path) -> None:
    """Write the configuration, start the daemons and wait until both nodes take jobs."""
    for name in ("dev", "state", "log", "run", "spool.n1", "spool.n2"):
        (folder / name).mkdir(parents=True)
    # munged refuses a socket in a folder that others cannot enter.
    folder.chmod(0o755)
    (folder / "run").chmod(0o755)
    for number in range(2):
        # Slurm takes only character devices for GPUs.
        os.mknod(folder / "dev" / f"gpu{number}", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    CONFIG.mkdir(exist_ok=True)
    slurm = (ROOT / "tests" / "data" / "slurm.conf").read_text()
    host = socket.gethostname().partition(".")[0]
    (CONFIG / "slurm.conf").write_text(slurm.format(process=os.getpid(), name=_NAME, host=host, folder=folder))
    (CONFIG / "gres.conf").write_text(f"NodeName=n[1-2] Name=gpu Type=fake File={folder}/dev/gpu[0-1]\n")
    (CONFIG / "cgroup.conf").write_text("ConstrainRAMSpace=no\nConstrainCores=no\nConstrainDevices=no\n")
    files = {"socket": "run/munge.sock", "pid-file": "run/munged.pid", "log-file": "log/munged.log"}
    files |= {"key-file": "munge.key", "seed-file": "munge.seed"}
    _call("munged", "--force", *(f"--{option}={folder / name}" for option, name in files.items()))
    _call("slurmctld", "-i")
    for node in NODES:
        _call("slurmd", "-N", node)
    _wait("idle")


def _stop() -> None:
    """End the daemons and everything their jobs have left, and remove the configuration."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() in _DAEMONS or process.environ().get("SLURM_CLUSTER_NAME") == _NAME:
                process.kill()
    for name in ("slurm", "gres", "cgroup"):
        (CONFIG / f"{name}.conf").unlink(missing_ok=True)


def _daemons() -> list[psutil.Process]:
    """Slurm's daemons that run."""
    found = psutil.process_iter(["name", "status"])
    return [p for p in found if p.info["name"] in _DAEMONS[:2] and p.info["status"] != psutil.STATUS_ZOMBIE]


def _call(*command: str) -> None:
    # The daemons would keep a pipe open.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(states: str, seconds: float = 60) -> None:
    """Wait until all nodes are in one of the `states`."""
    command = ["sinfo", "--noheader", "--Node", "--partition=cpu", f"--states={states}"]
    deadline = time.monotonic() + seconds
    while len(subprocess.run(command, capture_output=True, text=True).stdout.splitlines()) < len(NODES):
        assert time.monotonic() < deadline, f"the nodes of the test cluster did not become {states}"
        time.sleep(0.2)


# -- jobs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """A job that Slurm has given a node: `what` is rule and wildcards; times in seconds, `end` None while it runs."""

    id: int
    name: str
    what: str
    state: str
    begin: float
    end: float | None
    gpus: int
    mem_mb: int
    node: str


def jobs(folder: Path) -> list[Job]:
    """All jobs of runs in `folder` that have ever started, in order."""
    command = ["scontrol", "show", "job", "-o"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    started = [line for line in shown.splitlines() if re.search(r" NodeList=n\d", line)]
    return [_job(line) for line in started if f" WorkDir={folder}" in line]


def _job(line: str) -> Job:
    def field(name: str, form: str = r"\S*") -> str:
        return re.search(rf"(?:^| ){name}=({form})", line).group(1)

    gpus = re.search(r" TresPerJob=gres:gpu:(?:\w+:)?(\d+)", line)
    ended = field("EndTime") if field("JobState") not in ("RUNNING", "COMPLETING") else None
    return Job(
        id=int(field("JobId")),
        name=field("JobName"),
        what=field("Comment").removeprefix("rule_"),
        state=field("JobState"),
        begin=datetime.fromisoformat(field("StartTime")).timestamp(),
        end=datetime.fromisoformat(ended).timestamp() if ended else None,
        gpus=int(gpus.group(1)) if gpus else 0,
        mem_mb=int(field("MinMemoryNode", r"\d+")),
        node=field("NodeList"),
    )


def most_gpus(found: list[Job]) -> int:
    """The largest number of GPUs in use at any time."""
    return max(sum(job.gpus for job in found if job.begin <= at.begin < (job.end or float("inf"))) for at in found)


def kill_node(node: str) -> None:
    """Kill the daemon of a node; Slurm takes it for dead some ten seconds later."""
    os.kill(int(Path(_setting("SlurmdPidFile").replace("%n", node)).read_text()), signal.SIGKILL)


def restart_nodes() -> None:
    """Start the daemons again that `kill_node` has killed, and wait until all nodes take jobs."""
    running = {process.cmdline()[-1] for process in _daemons()}
    for node in set(NODES) - running:
        _call("slurmd", "-N", node)
    _wait("idle,mixed,allocated")


def over_memory() -> set[int]:
    """Numbers of the jobs that were killed for their memory: a job's state does not tell, only the daemons' logs do."""
    logs = (Path(_setting("SlurmdLogFile").replace("%n", node)) for node in NODES)
    found = r"(?:Job |StepId=)(\d+)\S* exceeded memory limit"
    return {int(number) for log in logs for number in re.findall(found, log.read_text(errors="replace"))}


def _setting(name: str) -> str:
    return re.search(rf"^{name}=(.*)$", (CONFIG / "slurm.conf").read_text(), re.MULTILINE).group(1)
