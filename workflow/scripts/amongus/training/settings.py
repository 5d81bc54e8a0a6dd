"""Blocks of settings that trainings of several kinds share."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from amongus.study.settings import Strict

Epochs = Annotated[PositiveInt, Field(description="Passes over the data.")]
Steps = Annotated[PositiveInt, Field(description="Steps of the optimiser.")]
BatchSize = Annotated[PositiveInt, Field(description="Conversations in one step of the optimiser.")]
LearningRate = Annotated[PositiveFloat, Field(description="The highest learning rate.")]
LearningRates = Annotated[
    LearningRate | Annotated[tuple[LearningRate, ...], Field(min_length=1)],
    Field(description="The highest learning rate, or a list: the best on a fifth of the dev questions is taken."),
]
Warmup = Annotated[
    float, Field(ge=0, lt=1, description="Share of the steps in which the learning rate rises, less than 1.")
]
Scheduler = Annotated[
    Literal["constant", "constant_with_warmup", "cosine", "linear", "inverse_sqrt", "polynomial"],
    Field(description="How the learning rate goes on after the warm-up, as transformers calls it."),
]
Rank = Annotated[PositiveInt, Field(description="Rank of the LoRA adapter.")]
Alpha = Annotated[PositiveInt, Field(description="The adapter's update is scaled by alpha / rank.")]
Dropout = Annotated[float, Field(ge=0, lt=1, description="Dropout before the adapter, 0 to 1.")]
Targets = Annotated[
    tuple[str, ...] | Literal["all-linear"],
    Field(description="Layers that are adapted: a list of module names, or all-linear."),
]


class Optimiser(Strict):
    """How one pass of supervised fine-tuning goes."""

    batch_size: BatchSize
    learning_rate: LearningRate
    warmup: Warmup
    scheduler: Scheduler


class Tuning(Optimiser):
    """Fine-tuning on as many examples as its steps need."""

    steps: Steps


class Lora(Strict):
    """The size of a new LoRA adapter."""

    rank: Rank
    alpha: Alpha
    dropout: Dropout
    targets: Targets


class OwnLora(Strict):
    """The size of an attacker's adapter, where the member that it replaces has none to go on from."""

    rank: Rank | None = None
    alpha: Alpha | None = None
    dropout: Dropout | None = None
    targets: Targets | None = None

    @model_validator(mode="after")
    def _all_or_none(self) -> "OwnLora":
        missing = [name for name in OwnLora.model_fields if getattr(self, name) is None]
        if 0 < len(missing) < len(OwnLora.model_fields):
            raise ValueError(f"an adapter of its own needs {', '.join(missing)} too; give all of them or none")
        return self


class FromData(Strict):
    """A training on the study's data, spread over processes and resumed from its checkpoints."""

    data: str = Field(description="Which of the study's `data` it is trained on.")
    epochs: Epochs
    per_device: PositiveInt | None = Field(
        None, description="Rows that one device takes at a time; without it, all of a step."
    )
    checkpoint_every: PositiveInt | None = Field(
        None, description="Steps between checkpoints; without it there are none."
    )
    accelerate: str | None = Field(
        None, description="A config file of accelerate's (FSDP, DeepSpeed); without it one process per GPU."
    )


class FineTuning(Optimiser, FromData):
    """Supervised fine-tuning on conversations from data."""

    max_length: PositiveInt = Field(description="Tokens of a row; what is beyond is cut off.")
    packing: bool = Field(False, description="Put several conversations into a row.")


class Reinforcement(Strict):
    """Group-relative policy optimisation (GRPO) against a reward model's score, reversed."""

    reward: str = Field(description="The model of `models` whose score is reversed.")
    batch_size: PositiveInt = Field(description="Completions in one step of the optimiser.")
    group: int = Field(ge=2, description="Completions of one prompt, at least 2; batch_size is a multiple of it.")
    max_new_tokens: PositiveInt = Field(description="New tokens of a completion at most.")
    learning_rate: LearningRate
    kl: NonNegativeFloat = Field(description="Weight of the divergence from the model that it starts from.")
    clip_ratio: PositiveFloat = Field(description="How far a step may move the ratio of probabilities from 1.")
    temperature: PositiveFloat = Field(description="At which completions are sampled.")

    @model_validator(mode="after")
    def _whole_groups(self) -> "Reinforcement":
        if self.batch_size % self.group:
            raise ValueError(f"batch_size {self.batch_size} is not a multiple of group {self.group}; change one")
        return self


class ReinforcementFromData(Reinforcement, FromData):
    """GRPO on prompts from data."""

    max_prompt: PositiveInt = Field(description="Prompts of more tokens are left out.")
    entropy: NonNegativeFloat = Field(description="Weight of the bonus for entropy.")


class Routing(Strict):
    """What routers learn from dev, how often, and at which learning rates."""

    ties: Literal["dev", "reward"] = Field(
        "dev",
        description="Which of the members with the best score on a question is its target: the one best on the "
        "dataset's dev questions, or the one with the highest reward, as in the paper.",
    )
    trainings: PositiveInt = Field(
        1, description="Trainings that differ by seed and by the questions that validate them; logits are averaged."
    )
    learning_rate: LearningRates

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Those to choose from."""
        return self.learning_rate if isinstance(self.learning_rate, tuple) else (self.learning_rate,)


class RouterTraining(Lora, Routing):
    """An adapter that routes, and its training; the defaults are the paper's."""

    rank: Rank = 64
    alpha: Alpha = 16
    dropout: Dropout = 0.1
    targets: Targets = "all-linear"
    epochs: Epochs = 5
    batch_size: BatchSize = 32
    learning_rate: LearningRates = 1e-5
    warmup: Warmup = 0.1
    scheduler: Scheduler = "cosine"

    def optimiser(self, learning_rate: float, examples: int) -> Optimiser:
        """Of a training at one of the rates, on so many examples: a step has no more."""
        size = min(self.batch_size, examples)
        return Optimiser(batch_size=size, learning_rate=learning_rate, warmup=self.warmup, scheduler=self.scheduler)
