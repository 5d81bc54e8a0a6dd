"""The machine a workflow runs on: what its jobs inherit, and whether it has what the study asks for."""

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amongus.errors import StudyError
from amongus.files import read_json, write_json

_INHERITED = {
    # peft writes sets in hash order; the same seed must give the same bytes.
    "PYTHONHASHSEED": "0",
    # No job that runs a model may reach a hub.
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def prepare_environment() -> None:
    """Set what every script of a rule inherits."""
    os.environ.update(_INHERITED)


def gpus_per_job(config: Mapping[str, Any]) -> int:
    """The GPUs of each job that runs a model: what the study's config asks for, and one at least on `cuda`."""
    return max(config["resources"]["gpu"], int(config["engine"]["device"] == "cuda"))


def gpus() -> int:
    """The number of GPUs that can be seen without loading anything; 0 where there is no driver."""
    devices = list(Path("/dev").glob("nvidia[0-9]*"))
    return max(len(devices), int(bool(devices or shutil.which("nvidia-smi"))))


def check_gpus(wanted: int, device: str) -> None:
    """Refuse a study that asks for GPUs on a machine without.

    Raises:
        StudyError: in one line, with the mend.
    """
    if wanted and not gpus():
        raise StudyError(
            f"the study asks for {wanted} GPU(s) a job (engine: device: {device}), and this machine has none; "
            "set engine: {device: cpu} and resources: {gpu: 0}, or run it where there is one"
        )


def claim(folder: str | Path = ".snakemake") -> None:
    """Note in `folder` which process is running the workflow here."""
    pid = os.getpid()
    write_json(Path(folder) / "owner.json", {"host": socket.gethostname(), "pid": pid, "began": _began(pid)})


def release_dead(folder: str | Path = ".snakemake") -> bool:
    """Remove the locks that a run left in `folder` when it was killed; whether there were any.

    Snakemake refuses a locked folder, because it cannot know that the run is dead. Here it is known: the process
    that claimed the folder ran on this very machine and is no more. Another machine's claim is left alone.
    """
    owner, locks = Path(folder) / "owner.json", list(Path(folder).glob("locks/*.lock"))
    if not locks or not owner.exists():
        return False
    claimed = read_json(owner)
    if claimed["host"] != socket.gethostname() or _began(claimed["pid"]) == claimed["began"]:
        return False
    for lock in locks:
        lock.unlink(missing_ok=True)
    return True


def _began(pid: int) -> str | None:
    """When process `pid` started, in the kernel's ticks; None if it is not running."""
    try:
        # The name, in brackets, may hold anything; the start time is the 20th field after it.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return None
