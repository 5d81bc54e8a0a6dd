"""Control: the attacker is known and masked.

No upper bound for a defence: an attacker may still be right where others are wrong.
"""

from amongus.team import DefenceInput

NEEDS = ("attackers",)


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, the first attacker among the candidates; None where there is none."""
    return [next((m for m in members if m in data.attackers), None) for members in data.candidates]
