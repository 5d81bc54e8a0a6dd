"""A team of a, b and c before one question, and what a method learns from, with all but what a test is about filled in."""

from amongus.members.member import Member
from amongus.study.settings import Strict
from amongus.team import LearnInput, Task

DEV = {"a": 0.2, "b": 0.9, "c": 0.5}


def task(pool="abc", rows=1, **changes):
    """A `Task` of so many test questions; the cached answers are `a0`, `a1`, ... of `a`."""
    fields = {
        "pool": tuple(pool),
        "dataset": "d",
        "seed": 1,
        "settings": Strict(),
        "prompts": {},
        "ids": [f"d/test/{row}" for row in range(rows)],
        "questions": ["Q?"] * rows,
        "responses": {member: [f"{member}{row}" for row in range(rows)] for member in pool},
        "dev": {member: DEV[member] for member in pool if member in DEV},
    }
    return Task(**{**fields, **changes})


def lesson(members, rows=1, /, **changes):
    """A `LearnInput` of so many dev questions; `members` are the pool's, or their names."""
    if not isinstance(members, dict):
        members = {name: Member(name, "base") for name in members}
    fields = {
        "pool": tuple(members),
        "dataset": "d",
        "seed": 1,
        "settings": Strict(),
        "prompts": {},
        "ids": [f"d/dev/{row}" for row in range(rows)],
        "questions": ["Q?"] * rows,
        "scores": {},
        "rewards": {},
        "members": members,
        "respond": None,
        "score": None,
    }
    return LearnInput(**{**fields, **changes})


def no_defence(candidates, own=None):
    """Masks no member."""
    return [None] * len(candidates)


def mask(*names):
    """A defence that masks these members, one per question."""
    return lambda candidates, own=None: list(names)
