"""What the supervised defences share: masking per question by a value of each candidate's cached answer."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

from amongus.core.hashing import derive
from amongus.team import DefenceInput


def masked_by(
    choose: Callable[..., Any], values: Mapping[str, Sequence[float]], data: DefenceInput
) -> list[str | None]:
    """Per question the candidate whose value `choose` (`min` or `max`) takes, ties seeded.

    A candidate whose value is NaN is not masked; where all are NaN, none is.
    """

    def mask(row: int, key: str, members: Sequence[str]) -> str | None:
        readable = [member for member in members if not isnan(values[member][row])]
        ranks = {member: (values[member][row], derive(data.seed, "tie", key, member)) for member in readable}
        return choose(readable, key=ranks.__getitem__, default=None)

    return [mask(row, *pair) for row, pair in enumerate(zip(data.ids, data.candidates, strict=True))]
