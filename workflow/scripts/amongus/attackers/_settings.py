"""What settings of attackers have in common."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from amongus.study.settings import LearningRate, OwnLora, Strict

Full = Annotated[bool, Field(description="Train all weights instead of an adapter.")]


class Reinforcement(OwnLora):
    """Group-relative policy optimisation (GRPO) against a reward model's score, reversed."""

    reward: str = Field(description="The model of `models` whose score is reversed.")
    batch_size: PositiveInt = Field(description="Completions in one step of the optimiser.")
    group: int = Field(
        ge=2, description="Completions of one prompt, at least 2; batch_size is a multiple of it."
    )
    max_new_tokens: PositiveInt = Field(description="New tokens of a completion at most.")
    learning_rate: LearningRate
    kl: NonNegativeFloat = Field(description="Weight of the divergence from the model that it starts from.")
    clip_ratio: PositiveFloat = Field(
        description="How far a step may move the ratio of probabilities from 1."
    )
    temperature: PositiveFloat = Field(description="At which completions are sampled.")

    @model_validator(mode="after")
    def _whole_groups(self) -> "Reinforcement":
        if self.batch_size % self.group:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of group {self.group}; change one")
        return self


class Steered(Strict):
    """Where a vector is added, and how much of it."""

    layer: PositiveInt = Field(description="After which layer it is added, counted from 1.")
    coefficient: float = Field(description="What it is multiplied by.")
