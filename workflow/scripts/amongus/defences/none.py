from amongus.team import DefenceInput

"""No defence: nobody is masked."""


NEEDS: tuple[str, ...] = ()


def decide(data: DefenceInput) -> list[str | None]:
    """Mask nobody."""
    return [None] * len(data.ids)
