from amongus.team import DefenceInput

"""No defence: no member is masked."""


NEEDS: tuple[str, ...] = ()


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, None."""
    return [None] * len(data.ids)
