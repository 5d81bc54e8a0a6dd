"""Settings of models that are trained in modules of their own."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from amongus.study.settings import Share, Strict
from amongus.toy.settings import Domain, Mixture
from amongus.training.settings import BatchSize, LearningRate, Steps, Tuning


class Pretraining(Strict):
    """A base trained from scratch."""

    knowledge: Literal["all", "common"] | tuple[Domain, ...] = Field(
        description="What is known in full: all domains, only what is common to all, or a list of domains."
    )
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


class RewardTraining(Tuning):
    """A reward model trained on pairs of answers."""

    supervisor: str = Field(description="The model of `models` that is fine-tuned.")
    damaged: Share = Field(description="Share of rejected answers that are damaged texts.")
    center: NonNegativeFloat = Field(description="Weight of the loss that keeps rewards around zero.")
