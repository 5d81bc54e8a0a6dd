"""What the weight-level methods share: the team is one merged checkpoint, which alone answers.

A defence masks one member for the whole dataset, before the merge: `learn` leaves it out.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from amongus.core.json_files import read_record
from amongus.members.member import Member, known_fingerprint, member_fingerprint
from amongus.team import Defend, Engine, Outcome, Request, Task, user

RECORD = "merge.json"
"""Beside a merged checkpoint: what it was made of, and whom a defence left out (`masked`)."""

MERGED = "merged"


def merged_member(pool: Mapping[str, Member], folder: Path, masked: str | None = None) -> Member:
    """The checkpoint in `folder` under the system prompt of the first member of `pool` that is not masked.

    Pools with a persona or steering never get here: such members have no weights of their own to merge.
    """
    system = next(member.system for name, member in pool.items() if name != masked)
    member = Member(MERGED, str(folder), system=system)
    weights = known_fingerprint(folder)
    return replace(member, fingerprint=member_fingerprint(member, {"base": weights}))


def learned_members(pool: Mapping[str, Member], dataset: str, learned: Path) -> tuple[Member, ...]:
    """The checkpoint that a method's `learn` wrote to the folder `learned`: one member."""
    return (merged_member(pool, learned, read_record(learned, RECORD)["masked"]),)


def collaborate(task: Task, engine: Engine, defend: Defend) -> list[Outcome]:
    """Answer every question with the merged checkpoint, and record the member left out of it."""
    masked = defend([list(task.pool)] * len(task.ids))
    answers = engine.generate([Request(MERGED, user(question)) for question in task.questions])
    return [Outcome(reply.text, None, out, tuple(task.pool)) for reply, out in zip(answers, masked, strict=True)]
