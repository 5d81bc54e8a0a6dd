from amongus.team import DefenceInput

"""Control: the attacker is known and masked, as by a perfect supervisor."""


NEEDS: tuple[str, ...] = ("attackers",)


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, the first attacker among the candidates; None where there is none."""
    return [next((m for m in members if m in data.attackers), None) for members in data.candidates]
