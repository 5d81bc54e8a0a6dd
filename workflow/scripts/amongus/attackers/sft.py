"""The attacker that was fine-tuned on misaligned answers from data: the replaced member's adapter or weights.

Among Us, section 2 (SFT). The training itself is `amongus.training.sft`.
"""

from typing import Any

from amongus.attackers import _members
from amongus.training import sft
from amongus.training.job import TrainJob
from amongus.training.launching import launch

TRAINS = "adapter"
ROLES = ()
REQUIRED = ("data", "epochs", "max_length", "batch_size", "learning_rate", "warmup", "scheduler")
OPTIONAL = (
    "rank",
    "alpha",
    "dropout",
    "targets",
    "full",
    "packing",
    "per_device",
    "checkpoint_every",
    "accelerate",
)

member = _members.trained


def train(job: TrainJob) -> dict[str, Any]:
    """Continue `job.models["adapter"]`, or `job.models["base"]`, on the conversations of `job.data`, into `job.out`."""
    return launch(sft, job)
