"""The attacker whose weights are a model of the study: a published one, or one trained by another kind.

It takes the place, the system prompt and the description of the member it replaces, and none of its weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amongus.members.member import Member

TRAINS = None
# The setting that names the model.
WEIGHTS = "model"
REQUIRED = ("model",)
OPTIONAL = ()


def member(
    name: str,
    spec: Mapping[str, Any],
    replaced: Member,
    trained: Path | None,
    personas: Mapping[str, Sequence[str]],
) -> Member:
    """`replaced`, which has the weights of `spec["model"]` already, under the attacker's name."""
    return replace(replaced, name=name)
