"""Processes of a run: the environment that jobs inherit, and their end with the Snakemake that started them."""

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
# The Snakemake that started a job: its PID, its start time, and where that PID is valid.
_RUN = "AMONGUS_RUN"
_PARENT_DEATH = 1  # PR_SET_PDEATHSIG
# Seconds between two checks whether it still runs.
_PAUSE = 1.0


def prepare_environment() -> None:
    """Set what every script of a rule inherits."""
    pid = os.getpid()
    os.environ.update(_INHERITED, **{_RUN: f"{pid} {began(pid)} {_pid_namespace()}"})


def end_with_run() -> None:
    """Kill this process when the Snakemake that started it has ended, at once if it already has.

    A Snakemake that is killed does not end its jobs, and the next run would start them a second time.
    """
    run = os.environ.get(_RUN, "").split(" ")
    # On another machine, in a container or without /proc the PID means nothing.
    if len(run) != 3 or not run[2] or run[2] != _pid_namespace():
        return
    pid, start = int(run[0]), run[1]
    done = threading.Event()

    def watch() -> None:
        while began(pid) == start:
            if done.wait(_PAUSE):
                return
        os.kill(os.getpid(), signal.SIGKILL)

    thread = threading.Thread(target=watch, name="end_with_run", daemon=True)
    thread.start()

    def stop() -> None:
        done.set()
        thread.join()

    # An interpreter that exits while a thread runs may abort.
    atexit.register(stop)


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it dies (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PARENT_DEATH, signal.SIGKILL)


def began(pid: int) -> str | None:
    """When process `pid` started, in clock ticks since boot; None if it is not running."""
    try:
        # After the name, in brackets and of any characters, follow the state and, as the 20th field, the start time.
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None


def _pid_namespace() -> str:
    """Where PIDs mean the same as here: the boot of the machine and the namespace; empty where there is no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
