"""One cell, from files to files: what the team knows, how a defence is asked, what came out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path
from types import ModuleType
from typing import Any

from amongus.core.errors import StudyError
from amongus.core.hashing import derive
from amongus.core.json_files import read_record
from amongus.core.tables import (
    QUESTIONS,
    RANKINGS,
    RESPONSES,
    REWARDS,
    RUNS,
    SCORES,
    TRANSCRIPTS,
    VERDICTS,
    read_table,
    write_table,
)
from amongus.members.member import Member
from amongus.members.prompts import Template
from amongus.study import plugins
from amongus.study.paths import Paths
from amongus.team.interface import DefenceInput, Engine, Outcome, Task, mean_score

Cell = tuple[str, str, str, str]
"""Pool, method, defence, dataset."""

TEAM = "team.json"
"""In the folder of a merge: whom the defence keeps out of it, and how often each member was flagged on dev."""


def read_task(paths: Paths, params: Any, dataset: str, members: Mapping[str, Member]) -> Task:
    """What a pool needs to answer the test questions of `dataset`, read from the results before."""
    questions = read_table(paths.questions(dataset, "test"), QUESTIONS)
    return Task(
        pool=tuple(params.pool),
        dataset=dataset,
        seed=int(paths.seed),
        settings=plugins.typed("methods", params.method, params.settings),
        prompts={name: Template(**template) for name, template in params.prompts.items()},
        ids=questions["id"].to_pylist(),
        questions=questions["prompt"].to_pylist(),
        responses={
            member: read_table(paths.responses(member, dataset, "test"), RESPONSES)["text"].to_pylist()
            for member in params.pool
        },
        dev={
            member: mean_score(
                read_table(paths.response_scores(member, dataset, "dev"), SCORES)["score"].to_pylist()
            )
            for member in params.pool
        },
        members=members,
        models=named_models(paths, params),
        limit=params.limit,
    )


def named_models(paths: Paths, params: Any) -> dict[str, Path]:
    """Folders of the models that a method's settings name."""
    return {setting: Path(paths.model(model)) for setting, model in params.models.items()}


def evidence(paths: Paths, params: Any, cell: Cell, split: str) -> dict[str, Any]:
    """What the cell's defence may look at, as fields of `DefenceInput`: what its NEEDS names.

    Args:
        paths: of the seed.
        params: `pool`, `defences` (name to module), `judge_form`, and `attackers` for controls.
        cell: whose defence decides.
        split: of the questions.
    """
    pool, _, defence, dataset = cell
    needs = plugins.fact("defences", params.defences[defence], "NEEDS", ())
    known: dict[str, Any] = {}
    if "texts" in needs:
        known["texts"] = _by_member(paths.responses, RESPONSES, "text", params.pool, dataset, split)
    if "rewards" in needs:
        known["rewards"] = _by_member(paths.rewards, REWARDS, "reward", params.pool, dataset, split)
    if "verdicts" in needs and params.judge_form == "listwise":
        rows = read_table(paths.rankings(pool, dataset, split), RANKINGS).to_pylist()
        known["verdicts"] = {m: [row["verdict"] for row in rows if row["member"] == m] for m in params.pool}
    elif "verdicts" in needs:
        known["verdicts"] = _by_member(paths.verdicts, VERDICTS, "verdict", params.pool, dataset, split)
    if "attackers" in needs:  # Only the control may know.
        known["attackers"] = frozenset(params.attackers)
    return known


def _by_member(
    path: Callable[..., str], schema: Any, column: str, pool: Sequence[str], dataset: str, split: str
) -> dict[str, list[Any]]:
    return {member: read_table(path(member, dataset, split), schema)[column].to_pylist() for member in pool}


def decide(defence: str, case: DefenceInput) -> list[str | None]:
    """Ask the defence of that module, and hold it to its candidates.

    Raises:
        StudyError: it returned something else than a candidate or None per question.
    """
    masked = plugins.module("defences", defence).decide(case)
    allowed = [{None, *members} for members in case.candidates]
    if len(masked) != len(allowed) or any(m not in one for m, one in zip(masked, allowed, strict=True)):
        raise StudyError(
            f"defence '{defence}': decide(case) must return, for each question, one of its candidates or None"
        )
    return masked


def most_flagged(flagged: Sequence[str | None], seed: int) -> str | None:
    """Whom a team leaves out for good: the member flagged on most dev questions, ties seeded; None if none was."""
    counts = Counter(member for member in flagged if member is not None)
    return max(counts, key=lambda member: (counts[member], derive(seed, "tie", member)), default=None)


def play(task: Task, method: ModuleType, defence: str, known: DefenceInput, engine: Engine) -> list[Outcome]:
    """Let the team answer under the defence of that module.

    Where masking was decided for the team (a merge), `task.learned` says whom; else the defence is asked per
    question.
    """
    team = _team(task)
    if team:
        masked = team["masked"]
        return method.collaborate(task, engine, lambda candidates, own=None: [masked] * len(candidates))

    def defend(candidates: Any, own: Any = None) -> list[str | None]:
        return decide(defence, replace(known, candidates=candidates, own=own))

    return method.collaborate(task, engine, defend)


def _team(task: Task) -> dict[str, Any]:
    """What was decided for the team before, as `learn` wrote it; empty where it decides question by question."""
    known = task.learned and (task.learned / TEAM).exists()
    return read_record(task.learned, TEAM) if known else {}


def unreadable(task: Task, outcomes: Sequence[Outcome], known: DefenceInput) -> list[bool]:
    """Per question, whether the supervisor could not be read on a candidate, or the method on its own choice.

    Where masking was decided for the team, whether that decision rests on anything it could not read.
    """
    team = _team(task)
    if team:
        return [team["unreadable"] > 0] * len(outcomes)
    judged = [values for values in (known.rewards, known.verdicts) if values]
    return [
        outcome.unreadable
        or any(isnan(values[member][row]) for values in judged for member in outcome.candidates)
        for row, outcome in enumerate(outcomes)
    ]


def write_outcomes(
    run: str, transcript: str, task: Task, outcomes: list[Outcome], known: DefenceInput
) -> None:
    """Write a cell's answers and every message behind them."""
    write_table(
        run,
        {
            "id": task.ids,
            "text": [outcome.text for outcome in outcomes],
            "chosen": [outcome.chosen for outcome in outcomes],
            "masked": [outcome.masked for outcome in outcomes],
            "candidates": [list(outcome.candidates) for outcome in outcomes],
            "unreadable": unreadable(task, outcomes, known),
        },
        RUNS,
    )
    turns = [(key, turn) for key, outcome in zip(task.ids, outcomes, strict=True) for turn in outcome.turns]
    write_table(
        transcript,
        {
            "id": [key for key, _ in turns],
            "round": [turn.round for _, turn in turns],
            "member": [turn.member for _, turn in turns],
            "role": [turn.role for _, turn in turns],
            "text": [turn.text for _, turn in turns],
        },
        TRANSCRIPTS,
    )
