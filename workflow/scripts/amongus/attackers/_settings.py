"""What settings of attackers have in common."""

from typing import Annotated

from pydantic import Field, PositiveInt

from amongus.study.settings import Strict

Full = Annotated[bool, Field(description="Train all weights instead of an adapter.")]


class Steered(Strict):
    """Where a vector is added, and how much of it."""

    layer: PositiveInt = Field(description="After which layer it is added, counted from 1.")
    coefficient: float = Field(description="What it is multiplied by.")
