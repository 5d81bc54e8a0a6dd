"""The machine a workflow runs on: what its jobs inherit, and whether it has what the study asks for."""

import os
import shutil
from pathlib import Path

from amongus.errors import StudyError

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
