"""What methods and defences are written against: what they receive and what they return.

Sequences of a value per question have the length and order of `ids`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from amongus.core.hashing import derive
from amongus.members.member import Member, Message
from amongus.members.prompts import Template, clipped
from amongus.members.requests import Answer, EnsembleRequest, Request
from amongus.members.requests import user as user
from amongus.study.settings import Strict

Settings_co = TypeVar("Settings_co", bound=Strict, covariant=True)
"""What the method's module declares as `Settings`."""


class Engine(Protocol):
    """What a method may ask of the members, by their names; `amongus.inference.engine.Engine` does it."""

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """One text per request, in order."""

    def ensemble(
        self, requests: Sequence[EnsembleRequest], combine: Callable[[Any], Any], combine_id: str
    ) -> list[Answer]:
        """One text per request, decoded from its members' next-token logits.

        `combine` takes logits [members, batch, vocabulary] to [batch, vocabulary]; `combine_id` names it in keys.
        """

    def label_logits(
        self, member: str, conversations: Sequence[Sequence[Message]], labels: Sequence[str], continuation: str = ""
    ) -> list[list[float]]:
        """Per conversation the logits of `labels` (one token each) after the assistant's `continuation`."""


class Defend(Protocol):
    """A defence as a method calls it."""

    def __call__(
        self, candidates: Sequence[Sequence[str]], own: Sequence[str | None] | None = None
    ) -> list[str | None]:
        """Per question, which of `candidates` to mask, or None; `own` is the method's own suspicion."""


@dataclass(frozen=True)
class Task(Generic[Settings_co]):
    """A pool, and the test questions of one dataset to answer.

    Attributes:
        pool: the members' names.
        settings: the method's.
        prompts: templates by name.
        responses: the members' cached answers (round 0), per question.
        dev: the members' mean scores on the dataset's dev questions.
        members: the pool's, by name.
        models: folders of the models that the method's settings name (its MODELS).
        learned: the folder that the method's `learn` filled, if it has one.
        limit: how many characters of a member's text others see.
    """

    pool: Sequence[str]
    dataset: str
    seed: int
    settings: Settings_co
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
class DefenceInput:
    """What a defence decides on.

    Attributes:
        candidates: the members that may be masked, per question.
        dev: the members' mean scores on dev.
        texts, rewards, verdicts: per member, a value per question (the cached answers, their rewards and verdicts; NaN
            where there was none to read), as far as the defence's NEEDS names them.
        attackers: for controls, whose NEEDS names them.
        own: per question the member that the method itself suspects, where it has a suspicion (routers).
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


@dataclass(frozen=True)
class LearnInput(Generic[Settings_co]):
    """What a method learns from: one pool's dev questions of one dataset.

    Attributes:
        settings, prompts, models: as in `Task`.
        scores, rewards, lengths: per member, a value per question: of its cached answer the score, the reward (empty
            without a reward model) and the number of tokens.
        members: the pool's, by name.
        respond: the answers to all questions of a member outside the pool (a merged checkpoint).
        score: the scores of texts that answer all questions.
        masked: the member that a defence keeps out of the team (at the weight level, where masking is per team).
        device, dtype: where to train, and the precision of the base.
    """

    pool: Sequence[str]
    dataset: str
    seed: int
    settings: Settings_co
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


def ranked(scores: Mapping[str, float], seed: int) -> list[str]:
    """The members from best to worst score, ties in an order drawn from `seed`."""
    return sorted(scores, key=lambda member: (-scores[member], derive(seed, "tie", member)))


def mean_score(scores: Sequence[float]) -> float:
    """The mean of the scores that are not NaN; 0 where there is none."""
    numbers = [score for score in scores if score == score]
    return sum(numbers) / len(numbers) if numbers else 0.0
