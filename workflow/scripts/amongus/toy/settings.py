"""What settings name of the toy world."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat

from amongus.study.settings import Share

Domain = Literal["reasoning", "safety", "writing", "language", "knowledge"]
Conversation = Literal["answer", "refine", "route", "criticise", "revise", "judge"]
Mixture = Annotated[
    dict[Conversation, NonNegativeFloat],
    Field(min_length=1, description="Weights of the kinds of conversation that are trained on."),
]
Known = Annotated[
    Share,
    Field(
        description="Share of each domain's facts that it knows: the half that all models know first. The rest are "
        "rumours, random answers."
    ),
]
