"""Greedy soup, weight level: the members' weights are averaged as long as the dev score does not fall.

Among Us, section 3 (weight-level collaboration), after Wortsman et al. 2022, recipe 1. Members whose malice is
not in their weights (persona, steering) cannot take part: such cells do not apply.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from amongus.core.json_files import read_record, write_json
from amongus.members.member import Member
from amongus.methods._merged import answer, merged_member
from amongus.study.settings import Strict
from amongus.team import Defend, Engine, LearnInput, Outcome, Task, mean_score, ranked

LEVEL = "weight"
PROMPTS: tuple[str, ...] = ()
LEARNS = "weights"
RECORD = "soup.json"


def request_counts(members: int, settings: Strict) -> dict[str, int]:
    """The merge answers; on dev each member but the best is tried in a merge of its own."""
    return {"test": 1, "dev": members - 1}


def learn(data: LearnInput, out: Path) -> None:
    """Write the greedy soup of the team into the folder `out`, and what it kept (`soup.json`)."""
    from amongus.methods._merging import average  # Imports torch, which only this step needs.

    dev = data.dev()

    def evaluate(kept: tuple[str, ...]) -> float:
        if len(kept) == 1:
            return dev[kept[0]]
        with tempfile.TemporaryDirectory(dir=out) as folder:
            average([data.members[member] for member in kept], Path(folder))
            merged = merged_member(_pool(data), Path(folder), data.masked)
            return mean_score(data.score(data.respond(merged)))

    kept = select(ranked(dev, data.seed), evaluate)
    average([data.members[member] for member in kept], out)
    write_json(out / RECORD, {"kept": list(kept), "dev": dev, "masked": data.masked})


def learned_member(pool: Mapping[str, Member], dataset: str, learned: Path) -> Member:
    """The checkpoint that `learn` wrote."""
    return merged_member(pool, learned, read_record(learned, RECORD)["masked"])


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


def collaborate(task: Task, engine: Engine, defend: Defend) -> list[Outcome]:
    """Answer every question with the merged checkpoint."""
    return answer(task, engine, defend)


def _pool(data: LearnInput) -> dict[str, Member]:
    return {member: data.members[member] for member in data.pool}
