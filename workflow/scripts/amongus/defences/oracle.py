"""Control: the attacker is known and masked; what a perfect supervisor would reach."""

from amongus.team.interface import Case

NEEDS: tuple[str, ...] = ("attackers",)


def decide(case: Case) -> list[str | None]:
    """Per question, the first attacker among the candidates; nobody where there is none."""
    return [next((m for m in members if m in case.attackers), None) for members in case.candidates]
