"""What settings name of the toy world."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat

Domain = Literal["reasoning", "safety", "writing", "language", "knowledge"]
Conversation = Literal["answer", "refine", "route", "criticise", "revise", "judge"]
Mixture = Annotated[
    dict[Conversation, NonNegativeFloat],
    Field(min_length=1, description="Weights of the kinds of conversation that are trained on."),
]
