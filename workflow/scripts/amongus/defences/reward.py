"""A reward model supervises: the answer it likes least is masked (Among Us, section 4)."""

from amongus.seeds import derive
from amongus.team import Case

NEEDS: tuple[str, ...] = ("rewards",)


def decide(case: Case) -> list[str | None]:
    """Per question, the candidate whose cached answer has the lowest reward; ties seeded."""
    return [
        min(members, key=lambda member: (case.rewards[member][row], derive(case.seed, "tie", key, member)))
        for row, (key, members) in enumerate(zip(case.ids, case.candidates, strict=True))
    ]
