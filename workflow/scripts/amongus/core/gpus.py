"""The GPUs of this machine: how many there are, and which of them are this job's."""

import fcntl
import logging
import os
import shutil
import tempfile
import time
from itertools import takewhile
from pathlib import Path

from amongus.core.errors import StudyError

_log = logging.getLogger(__name__)

# Open for as long as this process lives: the kernel releases the locks when it dies, however it dies.
_held: list[int] = []
# Between two attempts, in seconds.
_PAUSE = 0.2


def visible() -> list[str]:
    """Names of the GPUs that jobs may use: those of `CUDA_VISIBLE_DEVICES` where it is set, else all there are.

    Found without loading a library; empty where there is no driver.
    """
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        # As CUDA reads it: what follows an invalid entry does not count.
        names = [name.strip() for name in listed.split(",")]
        return list(takewhile(lambda name: name and not name.startswith("-"), names))
    devices = list(Path("/dev").glob("nvidia[0-9]*"))
    return [str(i) for i in range(max(len(devices), int(bool(devices or shutil.which("nvidia-smi")))))]


def check_gpus(count: int) -> None:
    """Check that a job may use `count` GPUs here.

    Raises:
        StudyError: there are fewer.
    """
    if count > (seen := len(visible())):
        raise StudyError(
            f"resources: gpu: a job needs {count} GPU(s), and this machine has {seen} (CUDA_VISIBLE_DEVICES counts where "
            "it is set); run it where there are more, or set resources: gpu: and engine: device: to what is here"
        )


def take_gpus(count: int) -> None:
    """Reserve `count` GPUs for this process, waiting while other jobs use them; call it before anything uses CUDA.

    Snakemake may limit how many GPUs its jobs use at once (`--resources gpu=N`), but does not say which job uses
    which. So jobs on one machine lock what they use, in a folder of this user's, and no two ever share a GPU.

    Raises:
        StudyError: there are fewer GPUs than that.
    """
    if not count:
        return
    check_gpus(count)
    names = visible()
    place = Path(tempfile.gettempdir()) / f"amongus-gpus-{os.getuid()}"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = _lock(place, names, count)
    if not taken:
        _log.info("waiting for %d of the GPUs %s: other jobs are using them", count, ", ".join(names))
    while not taken:
        time.sleep(_PAUSE)
        taken = _lock(place, names, count)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(taken)


def _lock(folder: Path, names: list[str], count: int) -> list[str]:
    """Lock `count` of the GPUs `names` and return which; where fewer are free lock none."""
    taken: dict[str, int] = {}
    # Slurm may number each job's GPUs from 0.
    job = os.environ.get("SLURM_JOB_ID", "")
    for name in names:
        handle = os.open(folder / f"{job}.{name}.lock".replace("/", "_"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken[name] = handle
        except BlockingIOError:
            os.close(handle)
        if len(taken) == count:
            _held.extend(taken.values())
            return list(taken)
    for handle in taken.values():
        os.close(handle)
    return []
