"""The machine a workflow runs on: what its jobs inherit, and which of its processes run."""

import atexit
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

_INHERITED = {
    # peft writes sets in hash order; the same seed must give the same bytes.
    "PYTHONHASHSEED": "0",
    # No job that runs a model may reach a hub.
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# The Snakemake that started a job: its process, when that began, and where its number means a process.
_RUN = "AMONGUS_RUN"
_PARENT_DEATH = 1  # PR_SET_PDEATHSIG
# Between two looks whether it is still there, in seconds.
_PAUSE = 1.0


def prepare_environment() -> None:
    """Set what every script of a rule inherits."""
    pid = os.getpid()
    os.environ.update(_INHERITED, **{_RUN: f"{pid} {began(pid)} {_numbering()}"})


def end_with_run() -> None:
    """Have this process killed when the Snakemake that started it is no more, at once if it is already gone.

    One that is killed itself takes none of its jobs along, and the next run would start them a second time.
    """
    told = os.environ.get(_RUN, "").split(" ")
    # From another machine or a container, or on other systems, nobody can tell.
    if len(told) != 3 or not told[2] or told[2] != _numbering():
        return
    pid, start = int(told[0]), told[1]
    done = threading.Event()

    def watch() -> None:
        while began(pid) == start:
            if done.wait(_PAUSE):
                return
        os.kill(os.getpid(), signal.SIGKILL)

    thread = threading.Thread(target=watch, name="end_with_run", daemon=True)
    thread.start()

    def leave() -> None:
        done.set()
        thread.join()

    # An interpreter that ends while a thread is still at work may abort.
    atexit.register(leave)


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it dies (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PARENT_DEATH, signal.SIGKILL)


def began(pid: int) -> str | None:
    """When process `pid` started, in the kernel's ticks; None if it is not running."""
    try:
        # The name, in brackets, may hold anything; the state follows it, the start time is the 20th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None


def _numbering() -> str:
    """What has the numbers of processes in common with this one: the same start of a machine, the same namespace.

    Empty where the system does not say.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
