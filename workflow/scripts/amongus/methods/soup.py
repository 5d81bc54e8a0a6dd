"""Greedy soup, weight level: the members' weights are averaged as long as the dev score does not fall.

Among Us, section 3 (weight-level collaboration), after Wortsman et al. 2022, recipe 1. Members whose malice is
not in their weights (persona, steering) cannot take part: such cells do not apply.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amongus.engine.requests import Request, user
from amongus.files import write_json
from amongus.members import Member, fingerprint_directory, member_fingerprint
from amongus.team import Defend, Lesson, Outcome, Task, mean_score, ranked

LEVEL = "weight"
PROMPTS: tuple[str, ...] = ()
LEARNS = "weights"
SETTINGS: dict[str, Any] = {}
DEFENDED = False
MERGED = "merged"


def learn(lesson: Lesson, out: Path) -> None:
    """Write the greedy soup's checkpoint, and which members it kept (`soup.json`), into the folder `out`."""
    from amongus.merging import average  # Imports torch, which only this step needs.

    dev = lesson.dev()

    def evaluate(kept: tuple[str, ...]) -> float:
        if len(kept) == 1:
            return dev[kept[0]]
        with tempfile.TemporaryDirectory(dir=out) as folder:
            average([lesson.members[member] for member in kept], Path(folder))
            return mean_score(lesson.score(lesson.respond(_member(lesson.members, Path(folder)))))

    kept = select(ranked(dev, lesson.seed), evaluate)
    average([lesson.members[member] for member in kept], out)
    write_json(out / "soup.json", {"kept": list(kept), "dev": dev})


def learned_member(pool: Mapping[str, Member], dataset: str, learned: Path) -> Member:
    """The checkpoint that `learn` wrote."""
    return _member(pool, learned)


def select(order: Sequence[str], evaluate: Callable[[tuple[str, ...]], float]) -> tuple[str, ...]:
    """The members of the greedy soup.

    Args:
        order: members from best to worst on dev.
        evaluate: the dev score of the uniform average of the given members.
    """
    kept: tuple[str, ...] = (order[0],)
    best = evaluate(kept)
    for member in order[1:]:
        score = evaluate((*kept, member))
        if score >= best:
            kept, best = (*kept, member), score
    return kept


def collaborate(task: Task, engine: Any, defend: Defend) -> list[Outcome]:
    """Answer every question with the merged checkpoint."""
    answers = engine.generate([Request(MERGED, user(question)) for question in task.questions])
    return [Outcome(answer.text, None, None, tuple(task.pool)) for answer in answers]


def _member(pool: Mapping[str, Member], folder: Path) -> Member:
    """The checkpoint in `folder` under the system prompt of the pool's first member."""
    system = next(iter(pool.values())).system
    member = Member(MERGED, str(folder), system=system)
    return replace(member, fingerprint=member_fingerprint(member, {"base": fingerprint_directory(folder)}))
