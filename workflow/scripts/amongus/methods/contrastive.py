"""Contrastive decoding, logit level: the best member's logits, pushed towards the best and away from the worst.

Among Us, section 3 (logit-level collaboration): best + weight × (sum of the k best − sum of the k worst), members
ranked by dev score. Each member keeps its system prompt, steering and cache; the published code ignores personas
and steering (`fidelity: published`). A masked member leaves the ranking: it is neither among the best nor the worst.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import Field, NonNegativeInt

from amongus.methods import _weights_only
from amongus.study.settings import FollowsCode
from amongus.team import Answer, Defend, Engine, EnsembleRequest, Outcome, Request, Task, ranked, user

LEVEL = "logit"

prepare = _weights_only.prepare


class Settings(FollowsCode):
    """Who counts, and how much."""

    weight: float = Field(0.2, description="Factor of the best members' logits minus the worst members'.")
    k: NonNegativeInt = Field(1, description="How many members are the best, and how many the worst.")


def terms(order: Sequence[str], weight: float, k: int) -> tuple[tuple[str, float], ...]:
    """The members with their factors, in the order given (best first), without those whose factor is zero.

    >>> terms(["a", "b", "c"], 0.2, 1)
    (('a', 1.2), ('c', -0.2))
    """
    factors = {}
    for place, member in enumerate(order):
        pull = (place < k) - (place >= len(order) - k)
        factors[member] = (place == 0) + weight * pull
    return tuple((member, factor) for member, factor in factors.items() if factor)


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """One text, decoded by the members that count."""
    return {"test": 1}


def combine(logits: Any, factors: Sequence[float]) -> Any:
    """The weighted sum over members: logits [members, batch, vocabulary] to [batch, vocabulary]."""
    return (logits * logits.new_tensor(factors)[:, None, None]).sum(0)


def collaborate(task: Task[Settings], engine: Engine, defend: Defend) -> list[Outcome]:
    """Decode every question; questions with the same factors are decoded together."""
    masked = defend([list(task.pool)] * len(task.ids))
    order = ranked(task.dev, task.seed)
    weight, k = task.settings.weight, task.settings.k
    rows: dict[tuple[float, ...], list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    for row, out in enumerate(masked):
        members, factors = zip(*terms([m for m in order if m != out], weight, k), strict=True)
        rows[factors].append((row, members))
    answers: dict[int, Answer] = {}
    for factors, teams in rows.items():
        decoded = _decode(task, engine, factors, teams)
        answers.update(zip((row for row, _ in teams), decoded, strict=True))
    return [Outcome(answers[row].text, None, out, tuple(task.pool)) for row, out in enumerate(masked)]


def _decode(
    task: Task[Settings], engine: Engine, factors: tuple[float, ...], teams: Sequence[tuple[int, tuple[str, ...]]]
) -> list[Answer]:
    if factors == (1.0,):  # Nothing to contrast with: the member itself, whose answer is cached.
        return engine.generate([Request(members[0], user(task.questions[row])) for row, members in teams])
    requests = [EnsembleRequest(members, user(task.questions[row])) for row, members in teams]
    return engine.ensemble(requests, partial(combine, factors=factors), f"contrastive {factors}")
