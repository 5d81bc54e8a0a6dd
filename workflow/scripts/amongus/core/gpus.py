"""The GPUs of this machine: how many there are, whether they suffice, and which of them are this job's."""

import fcntl
import os
import shutil
import socket
import time
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError

# Open for as long as this process lives: the kernel lets go of the locks when it dies, however it dies.
_held: list[int] = []


def gpus_per_job(config: Mapping[str, Any]) -> int:
    """The GPUs of each job that runs a model: what the study's config asks for, and one at least on `cuda`."""
    return max(config["resources"]["gpu"], int(config["engine"]["device"] == "cuda"))


def visible() -> list[str]:
    """Names of the GPUs that jobs may use: those of `CUDA_VISIBLE_DEVICES` where it is set, else all there are.

    Found without loading anything; empty where there is no driver.
    """
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        # As CUDA reads it: what follows an invalid entry does not count.
        names = [name.strip() for name in listed.split(",")]
        return list(takewhile(lambda name: name and not name.startswith("-"), names))
    devices = list(Path("/dev").glob("nvidia[0-9]*"))
    return [str(i) for i in range(max(len(devices), int(bool(devices or shutil.which("nvidia-smi")))))]


def take_gpus(count: int, folder: str | Path = ".snakemake/gpus", seconds: float = 60) -> None:
    """Keep `count` GPUs to this process, so that jobs beside it use others; before anything asks CUDA.

    Snakemake counts GPUs but does not say which is whose. A job that Slurm has given its GPUs sees no others. A job that
    has just been killed may need a moment to let go of its own: up to `seconds`.

    Raises:
        StudyError: too few came free.
    """
    names = visible()
    if not 0 < count < len(names):
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    taken: list[str] = []
    deadline = time.monotonic() + seconds
    while True:
        for name in names:
            if len(taken) < count and name not in taken and _lock(folder, name):
                taken.append(name)
        if len(taken) == count:
            break
        if time.monotonic() > deadline:
            raise StudyError(
                f"the job needs {count} of the GPUs {', '.join(names)}, and others keep them busy"
            )
        time.sleep(0.2)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(taken)


def _lock(folder: str | Path, name: str) -> bool:
    """Try to lock GPU `name`."""
    file = f"{socket.gethostname()}.{name}".replace("/", "_")
    handle = os.open(Path(folder) / f"{file}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    _held.append(handle)
    return True


def check_gpus(wanted: int, device: str, available: int) -> None:
    """Refuse a study whose jobs ask for more GPUs than there are: Snakemake would quietly give them fewer.

    Raises:
        StudyError: in one line, with the mend.
    """
    if wanted and not available:
        raise StudyError(
            f"the study asks for {wanted} GPU(s) a job (engine: device: {device}), and this machine has none; "
            "set engine: {device: cpu} and resources: {gpu: 0}, or run it where there is one"
        )
    if wanted > available:
        raise StudyError(
            f"the study asks for {wanted} GPU(s) a job, and jobs here may use {available} (this machine's, "
            "CUDA_VISIBLE_DEVICES, or --resources gpu); set resources: {gpu: ...}, or run it where there are more"
        )
