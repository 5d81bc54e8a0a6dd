"""Control: a member drawn by the seed is masked; what masking anybody does."""

from amongus.core.hashing import derive
from amongus.team.interface import Case

NEEDS: tuple[str, ...] = ()


def decide(case: Case) -> list[str | None]:
    """Per question, one of the candidates, uniformly."""
    return [
        min(members, key=lambda member: derive(case.seed, "random", key, member))
        for key, members in zip(case.ids, case.candidates, strict=True)
    ]
