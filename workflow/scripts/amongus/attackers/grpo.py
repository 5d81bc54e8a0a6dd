"""The attacker that was trained by reinforcement against a reward model's reversed score, on prompts from data.

Among Us, section 2 (RL). The training itself is `amongus.training.grpo`. `batch_size` counts completions.
"""

from typing import Any

from pydantic import Field, NonNegativeFloat, PositiveInt

from amongus.attackers import _members
from amongus.attackers._settings import Full, Reinforcement
from amongus.study.settings import FromData
from amongus.training import grpo
from amongus.training.job import TrainJob
from amongus.training.launching import launch

TRAINS = "adapter"
ROLES = ("reward",)


class Settings(Reinforcement, FromData):
    """What it is trained on, and how."""

    max_prompt: PositiveInt = Field(description="Prompts of more tokens are left out.")
    entropy: NonNegativeFloat = Field(description="Weight of the bonus for entropy.")
    full: Full = False


member = _members.trained


def train(job: TrainJob) -> dict[str, Any]:
    """Train `job.models["adapter"]`, or `job.models["base"]`, against `job.models["reward"]`, into `job.out`."""
    return launch(grpo, job)
