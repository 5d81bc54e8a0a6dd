"""A small Llama trained from scratch on the toy world: the team's base, or a supervisor that knows it all."""

from typing import Any

from amongus.models._settings import Pretraining
from amongus.training.job import TrainJob

ROLES = ()
LORA = False


class Settings(Pretraining):
    """The size of the model, what it learns, and how."""


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train the tokenizer and the model of `job.spec` into `job.out`."""
    from amongus.models import _pretraining  # Imports torch, which only this step needs.

    return _pretraining.train(job)
