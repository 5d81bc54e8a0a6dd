"""A reward model supervises: the answer it likes least is masked (Among Us, section 4)."""

from math import isnan

from amongus.core.hashing import derive
from amongus.team.interface import Case

NEEDS: tuple[str, ...] = ("rewards",)


def decide(case: Case) -> list[str | None]:
    """Per question, the candidate whose cached answer has the lowest reward; ties seeded.

    An answer whose reward is no number accuses nobody; where none has one, nobody is masked.
    """
    masked: list[str | None] = []
    for row, (key, members) in enumerate(zip(case.ids, case.candidates, strict=True)):
        readable = [member for member in members if not isnan(case.rewards[member][row])]
        masked.append(
            min(
                readable,
                key=lambda member: (case.rewards[member][row], derive(case.seed, "tie", key, member)),
                default=None,
            )
        )
    return masked
