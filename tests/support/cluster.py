"""A Slurm of two nodes with two fake GPUs each, and what it remembers of its jobs."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

SCRIPTS = Path(__file__).parent / "slurm"
CONFIG = Path("/etc/slurm/slurm.conf")
NODES = ("n1", "n2")
GPUS = 4
# The status of start.sh where Slurm is not installed or another one is here, or without root.
_NONE_HERE = 77


@contextmanager
def started(folder: Path) -> Iterator[str | None]:
    """Start the cluster with its state in `folder`, and stop it; yields why there can be none here, or None.

    Raises:
        RuntimeError: there can be one, but it did not start.
    """
    # Into a file: the daemons keep what they are given open.
    said = folder / "start.log"
    try:
        with said.open("w") as log:
            status = subprocess.run(
                [SCRIPTS / "start.sh", folder], stdout=log, stderr=subprocess.STDOUT, timeout=120
            ).returncode
        if status not in (0, _NONE_HERE):
            raise RuntimeError(f"the test cluster did not start: {said.read_text()}")
        yield said.read_text().strip() if status else None
    finally:
        subprocess.run([SCRIPTS / "stop.sh", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@dataclass(frozen=True)
class Job:
    """A job that Slurm has given nodes: `what` is rule and wildcards; times in seconds, `end` None while it runs."""

    id: int
    name: str
    what: str
    state: str
    begin: float
    end: float | None
    gpus: int
    nodes: int
    mem_mb: int
    node: str

    def overlaps(self, other: "Job") -> bool:
        """Whether both ran at one time."""
        return self.begin < (other.end or float("inf")) and other.begin < (self.end or float("inf"))


def jobs() -> list[Job]:
    """All jobs that the cluster has ever started, in order."""
    shown = subprocess.run(
        ["scontrol", "show", "job", "-o"], capture_output=True, text=True, check=True
    ).stdout
    return [_job(line) for line in shown.splitlines() if re.search(r" NodeList=n\d", line)]


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
        nodes=int(field("NumNodes", r"\d+")),
        mem_mb=int(field("MinMemoryNode", r"\d+")),
        node=field("NodeList"),
    )


def most_at_once(found: list[Job], weight: str | None = None) -> int:
    """The largest number of jobs, or sum of their `weight`, at any time."""
    return max(
        sum(
            getattr(job, weight) if weight else 1
            for job in found
            if job.overlaps(at) and job.begin <= at.begin
        )
        for at in found
    )


def cancel(job: Job) -> bool:
    """Cancel a job; whether Slurm took it."""
    return subprocess.run(["scancel", str(job.id)]).returncode == 0


def kill_node(node: str) -> None:
    """Kill the daemon of a node; Slurm takes it for dead some ten seconds later."""
    os.kill(int(_pid_file(node).read_text()), signal.SIGKILL)


def mend_nodes(seconds: float = 60) -> None:
    """Start the daemons again that `kill_node` has killed, and wait until all nodes take jobs."""
    for node in NODES:
        alive = Path(f"/proc/{_pid_file(node).read_text().strip()}/comm")
        if not alive.exists() or alive.read_text() != "slurmd\n":
            subprocess.run(
                ["slurmd", "-N", node], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
    deadline = time.monotonic() + seconds
    command = ["sinfo", "--noheader", "--Node", "--partition=cpu", "--states=idle,mixed,allocated"]
    while len(subprocess.run(command, capture_output=True, text=True).stdout.split("\n")) <= len(NODES):
        assert time.monotonic() < deadline, "a node of the test cluster did not come back"
        time.sleep(0.2)


def over_memory() -> set[int]:
    """Numbers of the jobs that were killed for their memory: a job's state does not tell, only the daemons' logs do."""
    logs = (_folder() / "log" / f"slurmd.{node}.log" for node in NODES)
    found = r"(?:Job |StepId=)(\d+)\S* exceeded memory limit"
    return {int(number) for log in logs for number in re.findall(found, log.read_text(errors="replace"))}


def _pid_file(node: str) -> Path:
    """Where a node's daemon notes its process."""
    return _folder() / "run" / f"slurmd.{node}.pid"


def _folder() -> Path:
    """Where the cluster lies: the configuration says so."""
    return Path(CONFIG.read_text().split("\n", 1)[0].rsplit(" for ", 1)[1])
