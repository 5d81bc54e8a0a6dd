"""Logit fusion, logit level: one text decoded from the mean of the members' next-token logits.

Among Us, section 3 (logit-level collaboration). Each member keeps its system prompt, steering and cache; the
published code ignores personas and steering (`fidelity: published`).
"""

from typing import Any

from amongus.methods import _weights_only
from amongus.study.settings import FollowsCode
from amongus.team import Defend, Engine, EnsembleRequest, Outcome, Task, user

LEVEL = "logit"

prepare = _weights_only.prepare


class Settings(FollowsCode):
    """Whether members keep their personas and steering."""


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """One text, decoded by all members."""
    return {"test": 1}


def combine(logits: Any) -> Any:
    """The mean over members: logits [members, batch, vocabulary] to [batch, vocabulary]."""
    return logits.mean(0)


def collaborate(task: Task, engine: Engine, defend: Defend) -> list[Outcome]:
    """Fuse every question's team, without the masked member."""
    masked = defend([list(task.pool)] * len(task.ids))
    teams = [tuple(member for member in task.pool if member != out) for out in masked]
    answers = engine.ensemble(
        [EnsembleRequest(team, user(question)) for team, question in zip(teams, task.questions, strict=True)],
        combine,
        "fusion",
    )
    return [Outcome(answer.text, None, out, tuple(task.pool)) for answer, out in zip(answers, masked, strict=True)]
