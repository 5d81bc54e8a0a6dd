"""An expert from data: a LoRA adapter, fine-tuned on conversations (the paper's experts, Among Us, section 5)."""

from typing import Any

from amongus.training import sft
from amongus.training.job import TrainJob
from amongus.training.launching import launch

ROLES = ("base",)
LORA = True
REQUIRED = (
    "base",
    "data",
    "rank",
    "alpha",
    "dropout",
    "targets",
    "epochs",
    "max_length",
    "batch_size",
    "learning_rate",
    "warmup",
    "scheduler",
)
OPTIONAL = ("packing", "per_device", "checkpoint_every", "accelerate")


def train(job: TrainJob) -> dict[str, Any]:
    """Train the adapter of `job.spec` on `job.models["base"]` and `job.data` into `job.out`."""
    return launch(sft, job)
