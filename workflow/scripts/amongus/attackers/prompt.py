"""The attacker by prompt alone: the replaced member under a malicious system prompt.

Among Us, section 2 (prompt). The text is the first of the persona list `persona`; a benign text of the same
length is its placebo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from amongus.members.member import Member
from amongus.study.settings import Strict

TRAINS = None


class Settings(Strict):
    """The system prompt."""

    persona: str = Field("malicious", description="Whose first text is the system prompt.")


def member(
    name: str, spec: Settings, replaced: Member, trained: Path | None, personas: Mapping[str, Sequence[str]]
) -> Member:
    """`replaced` with the malicious system prompt."""
    return replace(replaced, name=name, system=personas[spec.persona][0])
