"""The attacker whose weights are a model of the study: a published one, or one trained by another kind.

It takes the place, the system prompt and the description of the member it replaces, and none of its weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from amongus.members.member import Member
from amongus.study.settings import Strict

TRAINS = None
# The setting that names the model.
WEIGHTS = "model"


class Settings(Strict):
    """The weights."""

    model: str = Field(description="The model of `models` whose weights it has.")


def member(
    name: str, spec: Settings, replaced: Member, trained: Path | None, personas: Mapping[str, Sequence[str]]
) -> Member:
    """`replaced`, which has the weights of `spec.model` already, under the attacker's name."""
    return replace(replaced, name=name)
