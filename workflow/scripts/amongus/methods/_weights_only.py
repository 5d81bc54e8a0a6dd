"""Members as the published code's logit-level methods use them: their weights alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from amongus.core.hashing import digest
from amongus.members.member import Member


def prepare(pool: Mapping[str, Member], settings: Mapping[str, Any]) -> dict[str, Member]:
    """The pool's members as the method queries them: under `fidelity: published` without personas and steering."""
    if settings.get("fidelity") != "published":
        return dict(pool)
    return {
        name: replace(
            member, system=None, steering=None, fingerprint=digest("weights alone", member.fingerprint)
        )
        for name, member in pool.items()
    }
