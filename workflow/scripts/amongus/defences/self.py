"""No external supervisor: the team distrusts its own, by what it knows from dev (Among Us, section 4)."""

from amongus.team.interface import Case, ranked

NEEDS: tuple[str, ...] = ()


def decide(case: Case) -> list[str | None]:
    """The method's own suspicion where it has one (routers); else the candidate worst on dev, ties seeded."""
    if case.own is not None:
        return list(case.own)
    order = ranked(case.dev, case.seed)
    return [max(members, key=order.index) for members in case.candidates]
