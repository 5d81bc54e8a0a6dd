"""What attackers that are trained have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amongus.members.member import Member


def member(
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
