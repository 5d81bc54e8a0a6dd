"""A reward model: the supervisor with one score per conversation, trained by trl on pairs of answers."""

from typing import Any

from amongus.models._settings import RewardTraining
from amongus.training.job import TrainJob

ROLES = ("supervisor",)
LORA = False


class Settings(RewardTraining):
    """What it is made from, and its training."""


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train a score on `job.models["supervisor"]` into `job.out`."""
    from amongus.models import _reward_training  # Imports torch, which only this step needs.

    return _reward_training.train(job)
