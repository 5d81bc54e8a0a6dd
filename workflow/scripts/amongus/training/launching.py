"""Trainings that are spread over processes: started by accelerate, resumed from their checkpoints after a kill.

The processes run `amongus.training.worker`, which calls `train(job)` of a module in each. Optimizer states and
checkpoints lie in a private folder whose name says of what training they are, so that none is resumed by another.
"""

import ctypes
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from amongus.core.errors import StudyError, no_room
from amongus.core.json_files import read_json, write_json
from amongus.core.processes import Process, this_process
from amongus.members.prompts import Template
from amongus.study.code_digest import SCRIPTS
from amongus.training.checkpoints import last_checkpoint
from amongus.training.job import TrainJob

_CONFIG = "accelerate.yaml"
_OWNER = "owner.json"
# Seconds between two looks at whose a scratch folder is.
_LOOK = 5.0
# As long as a look may see what was there before: NFS remembers a folder for up to a minute.
_GRACE = 90.0
_PARENT_DEATH = 1  # PR_SET_PDEATHSIG
_log = logging.getLogger(__name__)


def launch(module: ModuleType, job: TrainJob) -> dict[str, Any]:
    """Run `module.train(job)` in `job.processes` processes and return what the first of them returned.

    The job's scratch folder, where it names one, stays: its checkpoints are needed until the model is in its place.

    Raises:
        StudyError: what a process raised, or that one died, or that another job has taken the training over.
    """
    given = job.scratch
    scratch = given or Path(tempfile.mkdtemp(prefix=f".{job.name}.", dir=job.out.parent))
    _private(scratch)
    _take(scratch)
    # A later training from other data or settings has no use for these.
    for other in scratch.parent.glob(f"{scratch.name.rpartition('.')[0]}.????????????"):
        if other != scratch:
            shutil.rmtree(other, ignore_errors=True)
    job = replace(job, scratch=scratch, resume=last_checkpoint(scratch))
    description = scratch / "job.json"
    write_json(description, {"module": module.__name__, "job": _plain(job)})
    (scratch / _CONFIG).write_text(yaml.safe_dump(_accelerate(job)))
    (scratch / "result.json").unlink(missing_ok=True)
    command = [*_command(job), str(description)]
    with subprocess.Popen(command, env=_environment(job.device), preexec_fn=die_with_parent) as running:
        status = _wait(running, scratch)
    told = read_json(scratch / "result.json") if (scratch / "result.json").exists() else {}
    if status or "metrics" not in told:
        why = _failure(job, status, told)
        with suppress(OSError):
            last_checkpoint(scratch)  # Removes what was half written.
        raise why
    if not given:
        shutil.rmtree(scratch)
    return told["metrics"]


def _failure(job: TrainJob, status: int, told: dict[str, Any]) -> StudyError:
    """Why a training ended: what a process told, or what the disk shows."""
    if "error" in told:
        return StudyError(told["error"])
    why = "the disk is full; make room there" if no_room(job.scratch) else "its log says why"
    return StudyError(
        f"training of '{job.name}' ended with status {status}; {why}. Run again to go on from its last checkpoint in "
        f"{job.scratch}"
    )


def _take(scratch: Path) -> None:
    """Make `scratch` this process's: two processes that train into it would mix their checkpoints.

    That happens where Slurm has lost sight of a job that runs on and starts it again. The later one goes on; it waits
    until the earlier one must have noticed, unless that is known to be dead.
    """
    path, own = scratch / _OWNER, this_process()
    earlier = Process(**read_json(path)) if path.exists() else own
    write_json(path, asdict(own))
    if earlier != own and earlier.alive is not False:
        _log.info("process %d of %s may still train into %s: waiting", earlier.pid, earlier.host, scratch)
        time.sleep(_GRACE)


def _wait(running: subprocess.Popen, scratch: Path) -> int:
    """The status of a training, which is killed once `scratch` is another's.

    Raises:
        StudyError: it was.
    """
    try:
        while True:
            try:
                status = running.wait(timeout=_LOOK)
            except subprocess.TimeoutExpired:
                status = None
            _check_own(scratch)
            if status is not None:
                return status
    except BaseException:
        running.kill()
        raise


def _check_own(scratch: Path) -> None:
    """Refuse to go on in a folder that is another's, or was until it was removed."""
    owner = scratch / _OWNER
    if not owner.exists() or Process(**read_json(owner)) != this_process():
        raise StudyError(f"{scratch}: another job has taken this training over")


def die_with_parent() -> None:
    """Have this process killed when the one that started it is: nobody else would."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PARENT_DEATH, signal.SIGKILL)


def read_job(path: Path) -> tuple[str, TrainJob]:
    """The module and job that `launch` wrote."""
    told = read_json(path)
    fields = told["job"]
    for name in ("out", "data", "scratch"):
        fields[name] = Path(fields[name]) if fields[name] else None
    for name in ("models", "questions"):
        fields[name] = {key: Path(value) for key, value in fields[name].items()}
    fields["prompts"] = {name: Template(**template) for name, template in fields["prompts"].items()}
    return told["module"], TrainJob(**fields)


def _plain(job: TrainJob) -> dict[str, Any]:
    fields = asdict(job)
    for name in ("out", "data", "scratch"):
        fields[name] = str(fields[name]) if fields[name] else None
    for name in ("models", "questions"):
        fields[name] = {key: str(value) for key, value in fields[name].items()}
    return fields


def _private(folder: Path) -> None:
    """Make `folder` ours alone: trainer states are pickles, opened with `weights_only`.

    Raises:
        StudyError: it exists and belongs to another, or others may write to it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.stat()
    if state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise StudyError(
            f"{folder}: belongs to another user, or others may write to it; remove it and run again"
        )


def _accelerate(job: TrainJob) -> dict[str, Any]:
    """accelerate's config: the study's, or a plain one. Never the user's own default, which nothing here would record."""
    plain = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU" if job.processes > 1 else "NO",  # Several processes, on GPUs or not.
        "mixed_precision": "bf16" if job.dtype == "bfloat16" else "no",
        "use_cpu": job.device == "cpu",
    }
    return dict(job.accelerate or plain)


def _command(job: TrainJob) -> list[str]:
    """`accelerate launch` on this machine."""
    from amongus.training import worker  # Imports this module; named here so that digests see it.

    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        str(job.scratch / _CONFIG),
    ]
    command += ["--num_machines", "1", "--num_processes", str(job.processes), "--main_process_port", "0"]
    return [*command, "-m", worker.__name__]


def _environment(device: str) -> dict[str, str]:
    path = os.pathsep.join([str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"}
    return {**os.environ, **own, "ACCELERATE_USE_CPU": str(device == "cpu").lower()}
