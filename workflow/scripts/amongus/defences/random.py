"""Control: a random member is masked: what masking does by itself."""

from amongus.core.hashing import derive
from amongus.team import DefenceInput


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, one of the candidates, uniformly."""
    return [
        min(members, key=lambda member: derive(data.seed, "random", key, member))
        for key, members in zip(data.ids, data.candidates, strict=True)
    ]
