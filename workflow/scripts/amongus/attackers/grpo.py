"""The attacker that was trained by reinforcement against a reward model's reversed score, on prompts from data.

Among Us, section 2 (RL). The training itself is `amongus.training.grpo`. `batch_size` counts completions.
"""

from typing import Any

from amongus.attackers import _members
from amongus.training import grpo
from amongus.training.job import TrainJob
from amongus.training.launching import launch

TRAINS = "adapter"
ROLES = ("reward",)
REQUIRED = (
    "reward",
    "data",
    "epochs",
    "max_prompt",
    "entropy",
    "batch_size",
    "group",
    "max_new_tokens",
    "learning_rate",
    "kl",
    "clip_ratio",
    "temperature",
)
OPTIONAL = ("rank", "alpha", "dropout", "targets", "full", "per_device", "checkpoint_every", "accelerate")

member = _members.trained


def train(job: TrainJob) -> dict[str, Any]:
    """Train `job.models["adapter"]`, or `job.models["base"]`, against `job.models["reward"]`, into `job.out`."""
    return launch(grpo, job)
