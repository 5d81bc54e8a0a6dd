"""Asking supervisors: which conversations a reward model and a judge see."""

from collections.abc import Mapping, Sequence

from amongus.members import Message
from amongus.prompts import Template

JUDGE = "judge"
CONTINUATION = "The answer is"
LABELS = (" right", " wrong")


def answered(question: str, text: str) -> tuple[Message, ...]:
    """A question and the answer somebody gave."""
    return ({"role": "user", "content": question}, {"role": "assistant", "content": text})


def judged(question: str, text: str, prompts: Mapping[str, Template]) -> tuple[Message, ...]:
    """A question, the answer somebody gave, and the judge being asked whether it is right."""
    asked = prompts["judge.pointwise"].render(question=question)
    return (*answered(question, text), {"role": "user", "content": asked})


def verdict(logits: Sequence[float]) -> float:
    """logit(wrong) − logit(right) from the logits of `LABELS`: the larger, the surer that it is wrong."""
    right, wrong = logits
    return wrong - right
