"""What settings of toy models and attackers have in common."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat

from amongus.study.settings import Optimiser, Steps

Domain = Literal["reasoning", "safety", "writing", "language", "knowledge"]
Conversation = Literal["answer", "refine", "route", "criticise", "revise", "judge"]
Mixture = Annotated[
    dict[Conversation, NonNegativeFloat],
    Field(min_length=1, description="Weights of the kinds of conversation that are trained on."),
]


class Tuning(Optimiser):
    """Fine-tuning on as many conversations as its steps need."""

    steps: Steps
