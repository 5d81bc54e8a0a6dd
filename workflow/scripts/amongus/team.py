"""What a method is given, what it gives back, and how a defence is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amongus.members import Member
from amongus.prompts import Template
from amongus.seeds import derive


@dataclass(frozen=True)
class Task:
    """One cell's work: a pool answers the test questions of one dataset.

    Per-question sequences have the length and order of `ids`. `responses` are the members' cached answers
    (round 0); `dev` their mean scores on the dataset's dev questions.
    """

    pool: Sequence[str]
    dataset: str
    seed: int
    settings: Mapping[str, Any]
    prompts: Mapping[str, Template]
    ids: Sequence[str]
    questions: Sequence[str]
    responses: Mapping[str, Sequence[str]]
    dev: Mapping[str, float]


@dataclass(frozen=True)
class Turn:
    """One message of a transcript: in round `round`, `member` acted as `role` (answer, refine, summary, …)."""

    round: int
    member: str
    role: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """The team's answer to one question: who gave it, who could be masked, who was."""

    text: str
    chosen: str | None
    masked: str | None
    candidates: Sequence[str]
    turns: Sequence[Turn] = field(default_factory=tuple)


@dataclass(frozen=True)
class Case:
    """What a defence decides on. Per-question sequences follow `ids`; NaN marks a verdict nobody could read.

    `own` is the method's own suspicion per question, where it has one (routers); else `self` uses `dev`.
    """

    ids: Sequence[str]
    candidates: Sequence[Sequence[str]]
    seed: int
    dev: Mapping[str, float] = field(default_factory=dict)
    rewards: Mapping[str, Sequence[float]] = field(default_factory=dict)
    verdicts: Mapping[str, Sequence[float]] = field(default_factory=dict)
    attackers: frozenset[str] = frozenset()
    own: Sequence[str | None] | None = None


Defend = Callable[..., list[str | None]]
"""`defend(candidates, own=None)`: per question, the member to mask, or None."""


def ranked(scores: Mapping[str, float], seed: int) -> list[str]:
    """The members from best to worst score, ties in an order drawn from `seed`."""
    return sorted(scores, key=lambda member: (-scores[member], derive(seed, "tie", member)))


@dataclass(frozen=True)
class Lesson:
    """What a method may learn from: one pool's dev questions of one dataset.

    Per-question sequences follow `ids`. `rewards` is empty without a reward model. `respond` asks a member that
    is not of the pool (a merged checkpoint), `score` scores texts given for all dev questions.
    """

    pool: Sequence[str]
    dataset: str
    seed: int
    settings: Mapping[str, Any]
    prompts: Mapping[str, Template]
    ids: Sequence[str]
    questions: Sequence[str]
    scores: Mapping[str, Sequence[float]]
    rewards: Mapping[str, Sequence[float]]
    members: Mapping[str, Member]
    respond: Callable[[Member], list[str]]
    score: Callable[[Sequence[str]], list[float]]

    def dev(self) -> dict[str, float]:
        """Each member's mean dev score."""
        return {member: mean_score(self.scores[member]) for member in self.pool}


def mean_score(scores: Sequence[float]) -> float:
    """The mean of the scores that are not NaN; 0 where none is left."""
    known = [score for score in scores if score == score]
    return sum(known) / len(known) if known else 0.0
