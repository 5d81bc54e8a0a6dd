"""Control: the attacker is known and masked, as by a perfect supervisor."""

from amongus.team import DefenceInput

NEEDS = ("attackers",)


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, the first attacker among the candidates; None where there is none."""
    return [next((m for m in members if m in data.attackers), None) for members in data.candidates]
