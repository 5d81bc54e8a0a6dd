"""A reward model supervises: the answer it likes least is masked (Among Us, section 4)."""

from math import isnan

from amongus.core.hashing import derive
from amongus.team import DefenceInput

NEEDS: tuple[str, ...] = ("rewards",)


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, the candidate whose cached answer has the lowest reward; ties seeded.

    An answer whose reward is no number accuses nobody; where none has one, nobody is masked.
    """
    masked: list[str | None] = []
    for row, (key, members) in enumerate(zip(data.ids, data.candidates, strict=True)):
        readable = [member for member in members if not isnan(data.rewards[member][row])]
        masked.append(
            min(
                readable,
                key=lambda member: (data.rewards[member][row], derive(data.seed, "tie", key, member)),
                default=None,
            )
        )
    return masked
