"""A language model judges: the answer it finds worst is masked (Among Us, section 4)."""

from math import isnan

from amongus.core.hashing import derive
from amongus.team import DefenceInput

NEEDS: tuple[str, ...] = ("verdicts",)


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, the candidate whose cached answer has the worst verdict; ties seeded.

    A verdict that could not be read accuses nobody; where none could be read, nobody is masked.
    """
    masked: list[str | None] = []
    for row, (key, members) in enumerate(zip(data.ids, data.candidates, strict=True)):
        readable = [member for member in members if not isnan(data.verdicts[member][row])]
        masked.append(
            max(
                readable,
                key=lambda member: (data.verdicts[member][row], derive(data.seed, "tie", key, member)),
                default=None,
            )
        )
    return masked
