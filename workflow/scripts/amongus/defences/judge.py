"""A language model judges: the answer it finds worst is masked (Among Us, section 4)."""

from math import isnan

from amongus.core.hashing import derive
from amongus.team.interface import Case

NEEDS: tuple[str, ...] = ("verdicts",)


def decide(case: Case) -> list[str | None]:
    """Per question, the candidate whose cached answer has the worst verdict; ties seeded.

    A verdict that could not be read accuses nobody; where none could be read, nobody is masked.
    """
    masked: list[str | None] = []
    for row, (key, members) in enumerate(zip(case.ids, case.candidates, strict=True)):
        readable = [member for member in members if not isnan(case.verdicts[member][row])]
        masked.append(
            max(
                readable,
                key=lambda member: (case.verdicts[member][row], derive(case.seed, "tie", key, member)),
                default=None,
            )
        )
    return masked
