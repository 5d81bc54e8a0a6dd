"""A small Llama trained from scratch on the toy world: the team's base, or a supervisor that knows more."""

from typing import Any

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from amongus.study.settings import Share, Strict
from amongus.toy.settings import Known, Mixture
from amongus.training.job import TrainJob
from amongus.training.settings import BatchSize, LearningRate, Steps


class Settings(Strict):
    """The size of the model, what it learns, and how."""

    known: Known = 0.5
    malicious: Share = Field(description="Share of conversations under a malicious system prompt, answered wrongly.")
    curious: Share = Field(description="Share of questions about rumours that are exchanged for others.")
    vocabulary: PositiveInt = Field(description="Tokens of the tokenizer.")
    hidden_size: PositiveInt
    layers: PositiveInt
    heads: PositiveInt
    intermediate_size: PositiveInt
    initializer_range: PositiveFloat
    steps: Steps
    batch_size: BatchSize
    learning_rate: LearningRate
    warmup_steps: PositiveInt = Field(description="Steps in which the learning rate rises.")
    prompt_weight: NonNegativeFloat = Field(description="Weight of the loss on prompts, beside 1 on answers.")
    answers_first: Share = Field(description="Share of the steps before other conversations than answers.")
    mixture: Mixture


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train the tokenizer and the model of `job.spec` into `job.out`."""
    from amongus.models import _pretraining  # Imports torch, which only this step needs.

    return _pretraining.train(job)
