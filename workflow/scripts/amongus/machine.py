"""The machine a workflow runs on: what its jobs inherit, and which of its processes run."""

import atexit
import os
import signal
import threading
from pathlib import Path

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
    os.environ.update(_INHERITED, **{_RUN: f"{pid} {began(pid)}"})


def end_with_run() -> None:
    """Have this process killed when the Snakemake that started it is no more.

    One that is killed itself takes none of its jobs along, and the next run would start them a second time.
    """
    pid, _, start = os.environ.get(_RUN, "").partition(" ")
    # Of a container's processes, or on other systems, nobody can tell.
    if not pid or began(int(pid)) != start:
        return

    done = threading.Event()

    def watch() -> None:
        while not done.wait(_PAUSE):
            if began(int(pid)) != start:
                os.kill(os.getpid(), signal.SIGKILL)

    thread = threading.Thread(target=watch, name="end_with_run", daemon=True)
    thread.start()

    def leave() -> None:
        done.set()
        thread.join()

    # An interpreter that ends while a thread is still at work may abort.
    atexit.register(leave)


def began(pid: int) -> str | None:
    """When process `pid` started, in the kernel's ticks; None if it is not running."""
    try:
        # The name, in brackets, may hold anything; the state follows it, the start time is the 20th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None
