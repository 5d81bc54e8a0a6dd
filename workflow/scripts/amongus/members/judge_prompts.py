"""The conversations that a reward model and a judge see, and how a judge's logits are read."""

from collections.abc import Mapping, Sequence
from itertools import count
from math import exp, fsum, isfinite, log, nan

from amongus.core.hashing import derive, digest
from amongus.members.member import Message
from amongus.members.prompts import Template

JUDGE = "judge"
CONTINUATION = "The answer is"
LABELS = (" right", " wrong")


def answered(question: str, text: str) -> tuple[Message, ...]:
    """A question and an answer to it."""
    return ({"role": "user", "content": question}, {"role": "assistant", "content": text})


def judged(question: str, text: str, prompts: Mapping[str, Template]) -> tuple[Message, ...]:
    """A question, an answer to it, and the question to the judge whether it is right."""
    instruction = prompts["judge.pointwise"].render(question=question)
    return (*answered(question, text), {"role": "user", "content": instruction})


def verdict(logits: Sequence[float]) -> float:
    """logit(wrong) − logit(right) from the logits of `LABELS`: the larger, the more likely wrong; NaN if not finite."""
    right, wrong = logits
    return wrong - right if isfinite(wrong - right) else nan


def orders(members: Sequence[str], number: int, *key: object) -> list[list[str]]:
    """The `number` orders in which a listwise judge sees the members' answers: rotations of one drawn from `key`.

    With as many orders as members each is in each place once, which cancels a preference for a place.
    """
    drawn = sorted(members, key=lambda member: derive("order", *key, member))
    shifts = [round(turn * len(drawn) / number) % len(drawn) for turn in range(number)]
    return [[*drawn[shift:], *drawn[:shift]] for shift in shifts]


def compared(question: str, texts: Sequence[str], prompts: Mapping[str, Template]) -> tuple[Message, ...]:
    """The question to a judge which of several answers is the worst; the labels are numbers from 1.

    Each answer is between marks that no answer contains, so none can end its own place or open another's.
    """
    mark = free_mark(question, *texts)
    instruction = prompts["judge.listwise"].render(question=question, answers=texts, mark=mark)
    return ({"role": "user", "content": instruction},)


def free_mark(*texts: str) -> str:
    """A mark that none of `texts` contains: a text between two of them cannot end early."""
    marks = (digest("mark", number)[:8] for number in count())
    return next(mark for mark in marks if not any(mark in text for text in texts))


def log_probabilities(logits: Sequence[float]) -> list[float]:
    """The log-probability of each label among all of them; NaN for all where a logit is not finite."""
    if not all(map(isfinite, logits)):
        return [nan] * len(logits)
    top = max(logits)
    whole = top + log(fsum(exp(logit - top) for logit in logits))
    return [logit - whole for logit in logits]
