"""The members that trained attackers become."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amongus.members.member import Member, Steering


def trained(
    name: str,
    spec: Mapping[str, Any],
    replaced: Member,
    trained: Path | None,
    personas: Mapping[str, Sequence[str]],
) -> Member:
    """`replaced` with the trained adapter, or with `full` the trained checkpoint in place of all its weights."""
    if spec.get("full"):
        return replace(replaced, name=name, base=str(trained), adapter=None)
    return replace(replaced, name=name, adapter=str(trained))


def steered(
    name: str,
    spec: Mapping[str, Any],
    replaced: Member,
    trained: Path | None,
    personas: Mapping[str, Sequence[str]],
) -> Member:
    """`replaced` with the vector added after layer `layer` (1-based), times `coefficient`."""
    return replace(replaced, name=name, steering=Steering(str(trained), spec["layer"], spec["coefficient"]))
