"""No external supervisor: the team masks the member it trusts least, by dev scores (Among Us, section 4)."""

from amongus.team import DefenceInput, ranked


def decide(data: DefenceInput) -> list[str | None]:
    """The method's own suspicion where it has one (routers); else the candidate worst on dev, ties seeded."""
    if data.own is not None:
        return list(data.own)
    order = ranked(data.dev, data.seed)
    return [max(members, key=order.index) for members in data.candidates]
