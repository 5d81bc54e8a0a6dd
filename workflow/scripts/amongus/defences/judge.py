"""A language model judges: the answer it finds worst is masked (Among Us, section 4)."""

from amongus.defences._per_question import masked_by
from amongus.team import DefenceInput

NEEDS = ("verdicts",)


def decide(data: DefenceInput) -> list[str | None]:
    """Per question, the candidate whose cached answer has the worst verdict; none where no verdict is readable."""
    return masked_by(max, data.verdicts, data)
