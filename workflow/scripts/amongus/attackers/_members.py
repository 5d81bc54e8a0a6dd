"""The members that trained attackers become."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from amongus.attackers._settings import Steered
from amongus.members.member import Member, Steering
from amongus.training.settings import OwnLora


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
