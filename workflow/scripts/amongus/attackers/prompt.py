"""The attacker by prompt alone: the replaced member under a malicious system prompt.

Among Us, section 2 (prompt). The text is the first of the persona list `persona`; a benign text of the same
length is its placebo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError
from amongus.members.member import Member

TRAINS = None
REQUIRED = ()
OPTIONAL = ("persona",)


def member(
    name: str,
    spec: Mapping[str, Any],
    replaced: Member,
    trained: Path | None,
    personas: Mapping[str, Sequence[str]],
) -> Member:
    """`replaced` with the malicious system prompt.

    Raises:
        StudyError: there is no such persona.
    """
    persona = spec.get("persona", "malicious")
    if not personas.get(persona):
        raise StudyError(
            f"attacker '{name}': unknown persona '{persona}'; valid: {', '.join(sorted(personas))}"
        )
    return replace(replaced, name=name, system=personas[persona][0])
