"""A reward model supervises: the answer with the lowest reward is masked (Among Us, section 4)."""

from amongus.defences._per_question import masked_by
from amongus.team import DefenceInput

NEEDS = ("rewards",)


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, the candidate whose cached answer has the lowest reward; none where no reward is a number."""
    return masked_by(min, data.rewards, data)
