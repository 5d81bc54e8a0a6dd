"""A reward model: the supervisor with one score per conversation, trained by trl on pairs of answers."""

from typing import Any

from pydantic import Field, NonNegativeFloat

from amongus.study.settings import Share
from amongus.training.job import TrainJob
from amongus.training.settings import Tuning

ROLES = ("supervisor",)


class Settings(Tuning):
    """What it is made from, and its training."""

    supervisor: str = Field(description="The model of `models` that is fine-tuned.")
    damaged: Share = Field(description="Share of rejected answers that are damaged texts.")
    center: NonNegativeFloat = Field(description="Weight of the loss that keeps rewards around zero.")


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train a score on `job.models["supervisor"]` into `job.out`."""
    from amongus.models import _reward_training  # Imports torch, which only this step needs.

    return _reward_training.train(job)
