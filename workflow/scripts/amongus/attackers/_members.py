"""What attackers have in common: settings, and the members that trained ones become."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt

from amongus.members.member import Member, Steering
from amongus.study.settings import Strict
from amongus.training.settings import OwnLora

Full = Annotated[bool, Field(description="Train all weights instead of an adapter.")]


class Steered(Strict):
    """Where a vector is added, and how much of it."""

    layer: PositiveInt = Field(description="After which layer it is added, counted from 1.")
    coefficient: float = Field(description="What it is multiplied by.")


def trained(
    name: str, spec: OwnLora, replaced: Member, trained: Path | None, personas: Mapping[str, Sequence[str]]
) -> Member:
    """`replaced` with the trained adapter, or with `full` the trained checkpoint in place of all its weights."""
    if getattr(spec, "full", False):
        return replace(replaced, name=name, base=str(trained), adapter=None)
    return replace(replaced, name=name, adapter=str(trained))


def steered(
    name: str, spec: Steered, replaced: Member, trained: Path | None, personas: Mapping[str, Sequence[str]]
) -> Member:
    """`replaced` with the vector added after layer `layer` (1-based), times `coefficient`."""
    return replace(replaced, name=name, steering=Steering(str(trained), spec.layer, spec.coefficient))
