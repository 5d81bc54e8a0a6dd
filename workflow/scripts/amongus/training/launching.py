"""Trainings that run in several processes: started by accelerate, resumed from their last checkpoint after a kill.

Each process is `python -m amongus.training.launching MODULE job.json`, which calls `train(job)` of a module. Checkpoints
are in the job's scratch folder, which is private: trainer states are pickles, and loaded as weights only. Each launch
writes into a new folder in there. So where Slurm has started a job twice, the copies do not mix: the later one removes
the folder of the earlier, which fails when it next saves.
"""

import importlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from amongus.core.errors import StudyError, full_disk, no_room
from amongus.core.json_files import read_json, write_json
from amongus.core.processes import die_with_parent
from amongus.study.code_digest import SCRIPTS
from amongus.training.job import CHECKPOINT, TrainJob, steps_of

RESULT = "result.json"
"""Beside the job: what the training returned (`metrics`), or why a process failed (`error`)."""

_LAUNCH = "launch."


def launch(module: ModuleType, job: TrainJob) -> dict[str, Any]:
    """Run `module.train(job)` in `job.processes` processes and return what the first of them returned.

    The scratch folder stays: its checkpoints are needed until the model is in its place.

    Raises:
        StudyError: what a process raised, or that one died.
    """
    assert job.scratch, "a training from data has a scratch folder"
    scratch = _private(job.scratch)
    # What earlier launches left, and checkpoints of trainings of that name from other data or settings.
    others = (other for other in scratch.parent.glob(f"{job.name}.*") if other != scratch)
    for outdated in (*scratch.glob(f"{_LAUNCH}*"), *others):
        shutil.rmtree(outdated, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_LAUNCH, dir=scratch))
    job = replace(job, scratch=folder, resume=last_checkpoint(scratch))
    path, result = folder / "job.json", folder / RESULT
    path.write_bytes(job.to_json())
    (folder / "accelerate.yaml").write_text(yaml.safe_dump(accelerate_config(job)))
    command = [*accelerate_command(job, folder / "accelerate.yaml"), "-m", __name__, module.__name__, str(path)]
    search = os.pathsep.join([str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": search}
    status = subprocess.run(command, env=environment, preexec_fn=die_with_parent, check=False).returncode
    returned = read_json(result) if result.exists() else {}
    if "error" in returned:
        raise StudyError(returned["error"])
    if status or "metrics" not in returned:
        why = "the disk is full; make room there" if no_room(scratch) else "its log says why"
        raise StudyError(
            f"training of '{job.name}' ended with status {status}; {why}. Run again to resume from its last checkpoint "
            f"in {scratch}, or remove that folder to start from the beginning"
        )
    return returned["metrics"]


def last_checkpoint(scratch: Path) -> Path | None:
    """The checkpoint of the most steps in `scratch`; all in there are complete (`from_data.Checkpoints`)."""
    return max(scratch.glob(f"{CHECKPOINT}*"), key=steps_of, default=None)


def accelerate_config(job: TrainJob) -> dict[str, Any]:
    """accelerate's config: the study's, or a plain one. Never the user's default, which no result would record."""
    plain = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU" if job.processes > 1 else "NO",  # Several processes, on GPUs or not.
        "mixed_precision": "bf16" if job.dtype == "bfloat16" else "no",
        "use_cpu": job.device == "cpu",
    }
    return dict(job.accelerate or plain)


def accelerate_command(job: TrainJob, config: Path) -> list[str]:
    """`accelerate launch` on this machine."""
    options = {"config_file": config, "num_machines": 1, "num_processes": job.processes, "main_process_port": 0}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "accelerate.commands.launch", *words]


def _private(folder: Path) -> Path:
    """Make `folder`, for this user only: trainer states are pickles."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.stat()
    if state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise StudyError(f"{folder}: belongs to another user, or others may write to it; remove it and run again")
    return folder


def main(module: str, path: Path) -> int:
    """Call `train(job)` of a module with the job in `path`; the first process writes what it returned."""
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    result = path.with_name(RESULT)
    try:
        metrics = importlib.import_module(module).train(TrainJob.from_json(path.read_bytes()))
    except Exception as error:
        line = error if isinstance(error, StudyError) else full_disk(error, path.parent)
        if line is None:
            raise
        logging.exception("%s", line)
        # The disk may be too full for this as well.
        with suppress(StudyError):
            write_json(result, {"error": str(line)})
        return 1
    if os.environ.get("RANK", "0") == "0":
        write_json(result, {"metrics": metrics})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
