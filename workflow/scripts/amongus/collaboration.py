"""One cell, from files to files: what the team knows, how a defence is asked, what came out."""

from dataclasses import replace
from math import isnan
from types import ModuleType
from typing import Any

from amongus import rooms
from amongus.errors import StudyError
from amongus.files import (
    QUESTIONS,
    RESPONSES,
    REWARDS,
    RUNS,
    SCORES,
    TRANSCRIPTS,
    VERDICTS,
    read_table,
    write_table,
)
from amongus.paths import Paths
from amongus.prompts import Template
from amongus.team import Case, Outcome, Task, mean_score

Cell = tuple[str, str, str, str]
"""Pool, method, defence, dataset."""


def read_task(paths: Paths, params: Any, dataset: str, seed: int) -> Task:
    """What a pool needs to answer the test questions of `dataset`, read from the results before."""
    questions = read_table(paths.questions(dataset, "test"), QUESTIONS)
    return Task(
        pool=tuple(params.pool),
        dataset=dataset,
        seed=seed,
        settings=params.settings,
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
    )


def evidence(paths: Paths, cell: Cell, task: Task, attackers: list[str]) -> Case:
    """What the cell's defence may look at; the candidates are filled in when the method asks."""
    _, _, defence, dataset = cell
    needs = rooms.module("defences", defence).NEEDS
    tables: dict[str, dict[str, list[float]]] = {"rewards": {}, "verdicts": {}}
    sources = {
        "rewards": (paths.rewards, REWARDS, "reward"),
        "verdicts": (paths.verdicts, VERDICTS, "verdict"),
    }
    for need in set(needs) & set(sources):
        path, schema, column = sources[need]
        tables[need] = {
            member: read_table(path(member, dataset, "test"), schema)[column].to_pylist()
            for member in task.pool
        }
    return Case(
        ids=task.ids,
        candidates=(),
        seed=task.seed,
        dev=task.dev,
        # Only the control may know.
        attackers=frozenset(attackers if "attackers" in needs else ()),
        **tables,
    )


def play(task: Task, method: ModuleType, defence: str, known: Case, engine: Any) -> list[Outcome]:
    """Let the team answer under `defence`."""
    decide = rooms.module("defences", defence).decide

    def defend(candidates: Any, own: Any = None) -> list[str | None]:
        masked = decide(replace(known, candidates=candidates, own=own))
        allowed = [{None, *members} for members in candidates]
        if len(masked) != len(allowed) or any(m not in one for m, one in zip(masked, allowed, strict=True)):
            raise StudyError(
                f"defence '{defence}': decide(case) must return, for each question, one of its candidates or None"
            )
        return masked

    return method.collaborate(task, engine, defend)


def write_outcomes(run: str, transcript: str, task: Task, outcomes: list[Outcome], known: Case) -> None:
    """Write a cell's answers and every message behind them."""
    write_table(
        run,
        {
            "id": task.ids,
            "text": [outcome.text for outcome in outcomes],
            "chosen": [outcome.chosen for outcome in outcomes],
            "masked": [outcome.masked for outcome in outcomes],
            "candidates": [list(outcome.candidates) for outcome in outcomes],
            "unreadable": [
                any(isnan(known.verdicts[member][row]) for member in outcome.candidates)
                if known.verdicts
                else False
                for row, outcome in enumerate(outcomes)
            ],
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
