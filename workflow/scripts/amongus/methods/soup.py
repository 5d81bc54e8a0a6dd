"""Greedy soup, weight level: the members' weights are averaged as long as the dev score does not fall.

Among Us, section 3 (weight-level collaboration), after Wortsman et al. 2022, recipe 1. Members whose malice is
not in their weights (persona, steering) cannot take part: such cells do not apply.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from amongus.core.json_files import write_json
from amongus.methods import _merged
from amongus.study.settings import Strict
from amongus.team import LearnInput, mean_score, ranked

LEVEL = "weight"
LEARNS = "weights"

learned_members = _merged.learned_members
collaborate = _merged.collaborate


def request_counts(members: int, settings: Strict) -> dict[str, int]:
    """The merge answers; on dev each member but the best is tried in a merge of its own."""
    return {"test": 1, "dev": members - 1}


def learn(data: LearnInput, out: Path) -> None:
    """Write the greedy soup of the team into the folder `out`, and what it kept (`merge.json`)."""
    from amongus.methods._merging import average  # Imports torch, which only this step needs.

    dev = data.dev()

    def evaluate(kept: tuple[str, ...]) -> float:
        if len(kept) == 1:
            return dev[kept[0]]
        with tempfile.TemporaryDirectory(dir=out) as folder:
            average([data.members[member] for member in kept], Path(folder))
            pool = {member: data.members[member] for member in data.pool}
            merged = _merged.merged_member(pool, Path(folder), data.masked)
            return mean_score(data.score(data.respond(merged)))

    kept = select(ranked(dev, data.seed), evaluate)
    average([data.members[member] for member in kept], out)
    write_json(out / _merged.RECORD, {"kept": list(kept), "dev": dev, "masked": data.masked})


def select(order: Sequence[str], evaluate: Callable[[tuple[str, ...]], float]) -> tuple[str, ...]:
    """The members of the greedy soup, of those in `order`, from best to worst on dev.

    `evaluate` is the dev score of the uniform average of some members.
    """
    kept: tuple[str, ...] = (order[0],)
    best = evaluate(kept)
    for member in order[1:]:
        score = evaluate((*kept, member))
        if score >= best:
            kept, best = (*kept, member), score
    return kept
