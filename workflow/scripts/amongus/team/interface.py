"""What a method is given, what it gives back, and how a defence is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amongus.core.hashing import derive
from amongus.members.member import Member
from amongus.members.prompts import Template, clipped


@dataclass(frozen=True)
class Task:
    """One cell's work: a pool answers the test questions of one dataset.

    Per-question sequences have the length and order of `ids`. `responses` are the members' cached answers
    (round 0); `dev` their mean scores on the dataset's dev questions. `members` describes those of the pool;
    `models` holds the folders of the models that the method's settings name (its MODELS); `learned` is the
    folder that its `learn` filled, if it has one. `limit` is how many characters of a member's text others see.
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
    members: Mapping[str, Member] = field(default_factory=dict)
    models: Mapping[str, Path] = field(default_factory=dict)
    learned: Path | None = None
    limit: int = 1 << 20

    def shown(self, text: str) -> str:
        """`text` as others see it."""
        return clipped(text, self.limit)


@dataclass(frozen=True)
class Turn:
    """One message of a transcript: in round `round`, `member` acted as `role` (answer, refine, summary, …)."""

    round: int
    member: str
    role: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """The team's answer to one question: who gave it, who could be masked, who was.

    `unreadable` is whether the method could not read what it chose by (a router's logits).
    """

    text: str
    chosen: str | None
    masked: str | None
    candidates: Sequence[str]
    turns: Sequence[Turn] = field(default_factory=tuple)
    unreadable: bool = False


@dataclass(frozen=True)
class Case:
    """What a defence decides on. Per-question sequences follow `ids`; NaN marks what nobody could read.

    `texts` (the members' cached answers), `rewards`, `verdicts` and `attackers` are there as far as the defence's
    NEEDS names them. `own` is the method's own suspicion per question, where it has one (routers).
    """

    ids: Sequence[str]
    candidates: Sequence[Sequence[str]]
    seed: int
    dev: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
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
    is not of the pool (a merged checkpoint), `score` scores texts given for all dev questions. `lengths` are the
    tokens of the members' cached dev answers. `masked` is the member that a defence keeps out of the team (only
    where masking is decided for the team, at the weight level). `models` is as in `Task`. What is trained is trained
    on `device`, its base in `dtype`.
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
    lengths: Mapping[str, Sequence[int]] = field(default_factory=dict)
    models: Mapping[str, Path] = field(default_factory=dict)
    masked: str | None = None
    device: str = "cpu"
    dtype: str = "float32"

    @property
    def team(self) -> tuple[str, ...]:
        """The members that take part: the pool without the masked one."""
        return tuple(member for member in self.pool if member != self.masked)

    def dev(self) -> dict[str, float]:
        """The mean dev score of each member that takes part."""
        return {member: mean_score(self.scores[member]) for member in self.team}


def mean_score(scores: Sequence[float]) -> float:
    """The mean of the scores that are not NaN; 0 where none is left."""
    known = [score for score in scores if score == score]
    return sum(known) / len(known) if known else 0.0
