"""No defence: no member is masked."""

from amongus.team import DefenceInput


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, None."""
    return [None] * len(data.ids)
