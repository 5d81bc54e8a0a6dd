"""The machine a workflow runs on: what its jobs inherit, and which process is at work in a folder."""

import atexit
import os
import signal
import socket
import threading
from pathlib import Path

from amongus.files import read_json, write_json

_INHERITED = {
    # peft writes sets in hash order; the same seed must give the same bytes.
    "PYTHONHASHSEED": "0",
    # No job that runs a model may reach a hub.
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# The Snakemake that started a job: its process and when that began.
_RUN = "AMONGUS_RUN"
# Between two looks whether it is still there, in seconds.
_PAUSE = 1.0


def prepare_environment() -> None:
    """Set what every script of a rule inherits."""
    pid = os.getpid()
    os.environ.update(_INHERITED, **{_RUN: f"{pid} {_began(pid)}"})


def end_with_run() -> None:
    """Have this process killed when the Snakemake that started it is no more.

    One that is killed itself takes none of its jobs along, and the next run would start them a second time.
    """
    pid, _, began = os.environ.get(_RUN, "").partition(" ")
    # Of a container's processes, or on other systems, nobody can tell.
    if not pid or _began(int(pid)) != began:
        return

    done = threading.Event()

    def watch() -> None:
        while not done.wait(_PAUSE):
            if _began(int(pid)) != began:
                os.kill(os.getpid(), signal.SIGKILL)

    thread = threading.Thread(target=watch, name="end_with_run", daemon=True)
    thread.start()

    def leave() -> None:
        done.set()
        thread.join()

    # An interpreter that ends while a thread is still at work may abort.
    atexit.register(leave)


def claim(folder: str | Path = ".snakemake", submits: bool = False) -> None:
    """Note in `folder` which process is running the workflow here, and whether it submits its jobs to a cluster."""
    pid = os.getpid()
    claimed = {"host": socket.gethostname(), "pid": pid, "began": _began(pid), "submits": submits}
    write_json(Path(folder) / "owner.json", claimed)


def submitted(folder: str | Path = ".snakemake") -> bool:
    """Whether the last run that claimed `folder` submitted its jobs to a cluster."""
    owner = Path(folder) / "owner.json"
    return owner.exists() and read_json(owner).get("submits", False)


def at_work(folder: str | Path = ".snakemake") -> bool | None:
    """Whether the process that claimed `folder` is running; None if it was another machine's: nobody can tell."""
    owner = Path(folder) / "owner.json"
    if not owner.exists():
        return False
    claimed = read_json(owner)
    if claimed["host"] != socket.gethostname():
        return None
    return _began(claimed["pid"]) == claimed["began"]


def release_dead(folder: str | Path = ".snakemake") -> bool:
    """Remove the locks that a run left in `folder` when it was killed; whether there were any.

    Snakemake refuses a locked folder, because it cannot know that the run is dead. Here it is known: the process
    that claimed the folder ran on this very machine and is no more. Another machine's claim is left alone.
    """
    locks = list(Path(folder).glob("locks/*.lock"))
    if not locks or not (Path(folder) / "owner.json").exists() or at_work(folder) is not False:
        return False
    for lock in locks:
        lock.unlink(missing_ok=True)
    return True


def _began(pid: int) -> str | None:
    """When process `pid` started, in the kernel's ticks; None if it is not running."""
    try:
        # The name, in brackets, may hold anything; the state follows it, the start time is the 20th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None
