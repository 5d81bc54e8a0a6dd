"""Members as the published code's logit-level methods use them: their weights alone."""

from collections.abc import Mapping
from dataclasses import replace

from amongus.core.hashing import digest
from amongus.members.member import Member
from amongus.study.settings import FollowsCode


def prepare(pool: Mapping[str, Member], settings: FollowsCode) -> dict[str, Member]:
    """The pool's members as the method queries them: under `fidelity: published` without personas and steering."""
    if settings.fidelity != "published":
        return dict(pool)
    return {
        name: replace(member, system=None, steering=None, fingerprint=digest("weights alone", member.fingerprint))
        for name, member in pool.items()
    }
