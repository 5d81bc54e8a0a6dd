"""Rule learn: what a method learns from a pool's dev questions, one folder per defence and dataset."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import Any

from _helpers import rule_job
from amongus.core.atomic import whole_directory
from amongus.core.gpus import take_gpus
from amongus.core.json_files import write_json
from amongus.core.tables import QUESTIONS, RESPONSES, REWARDS, SCORES, read_table
from amongus.inference.opening import open_engine
from amongus.members.member import Member, load_member, write_fingerprint
from amongus.members.prompts import Template
from amongus.members.requests import Request, user
from amongus.report.cost_sidecars import write_cost
from amongus.scoring import explain
from amongus.study import plugins
from amongus.study.paths import Paths
from amongus.team import DefenceInput, LearnInput
from amongus.team.runner import TEAM, Cell, decide, evidence, most_flagged, named_models


def open_verifier(snakemake: Any) -> Any:
    """The verifier, where it scores one of the datasets; else None."""
    if not snakemake.params.get("verifying"):
        return None
    # By name, so that its code is a reason to learn again only where it scores (see `scorers` in rules/common.smk).
    verifying = import_module("amongus.scoring.model_grader")
    seed = int(snakemake.params.seed)
    return verifying.open_verifier(snakemake.input.verifier[0], snakemake.params, seed)


def preflight(snakemake: Any, method: Any) -> None:
    """Look for the sandbox before a model is loaded, where `method` may have answers run to score them.

    Raises:
        StudyError: there is none that works.
    """
    if not snakemake.params.get("limits"):
        return
    counts = getattr(method, "request_counts", None)
    params = snakemake.params
    settings = plugins.typed("methods", params.method, params.settings)
    if counts is None or counts(len(params.pool), settings).get("dev"):
        import_module("amongus.sandbox").preflight()  # By name, as the verifier.


def scorer(
    snakemake: Any, dataset: str, questions: list[dict[str, Any]], verifier: Any
) -> Callable[[Sequence[str]], list[float]]:
    """What scores a text for each of `questions`: the verifier or the dataset's metric."""
    items = [json.loads(row["item"]) for row in questions]
    if verifier is not None and dataset in verifier.kinds:
        references = verifier.references(dataset, items)
        asked = [row["prompt"] for row in questions]
        return lambda texts: [score for score, _ in verifier.explain(asked, references, texts)]
    metric, cores = questions[0]["metric"], getattr(snakemake, "threads", 1)
    limits = snakemake.params.get("limits") or {}
    return lambda texts: [score for score, _ in explain(metric, items, texts, cores, limits)]


def lesson(
    snakemake: Any, dataset: str, members: dict[str, Member], verifier: Any, stats: list[dict[str, float]]
) -> LearnInput:
    """What the method may learn from on one dataset; `stats` gathers what its engines cost."""
    params, seed = snakemake.params, int(snakemake.params.seed)
    paths = Paths(**params.home, seed=str(seed))
    questions = read_table(paths.questions(dataset, "dev"), QUESTIONS).to_pylist()

    def column(path: Any, schema: Any, name: str) -> dict[str, list[Any]]:
        return {m: read_table(path(m, dataset, "dev"), schema)[name].to_pylist() for m in params.pool}

    def respond(member: Member) -> list[str]:
        engine = open_engine(params, [member], seed)
        answers = engine.generate([Request(member.name, user(row["prompt"])) for row in questions])
        stats.append(engine.stats)
        return [answer.text for answer in answers]

    return LearnInput(
        pool=tuple(params.pool),
        dataset=dataset,
        seed=seed,
        settings=plugins.typed("methods", params.method, params.settings),
        prompts={name: Template(**template) for name, template in params.prompts.items()},
        ids=[row["id"] for row in questions],
        questions=[row["prompt"] for row in questions],
        scores=column(paths.response_scores, SCORES, "score"),
        rewards=column(paths.rewards, REWARDS, "reward") if "rewards" in params.needs else {},
        lengths=column(paths.responses, RESPONSES, "n_tokens") if "lengths" in params.needs else {},
        members=members,
        models=named_models(paths, params),
        device=params.engine["device"],
        dtype=params.engine["dtype"],
        respond=respond,
        score=scorer(snakemake, dataset, questions, verifier),
    )


def team(snakemake: Any, lesson: LearnInput, cell: Cell) -> dict[str, Any]:
    """Whom the cell's defence keeps out of the team for good, from what it would do on each dev question."""
    params = snakemake.params
    paths = Paths(**params.home, seed=str(lesson.seed))
    known = evidence(paths, params, cell, "dev")
    case = DefenceInput(lesson.ids, [lesson.pool] * len(lesson.ids), lesson.seed, lesson.dev(), **known)
    flagged = decide(params.defences[cell[2]], case)
    judged = [*case.rewards.values(), *case.verdicts.values()]
    return {
        "masked": most_flagged(flagged, lesson.seed),
        "flags": {member: flagged.count(member) for member in lesson.pool},
        "unreadable": sum(isnan(value) for values in judged for value in values),
    }


def link(source: str, target: str) -> None:
    """Give a file a second place: the same merge under many defences takes the room of one, where links can be had."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def main(snakemake: Any) -> None:
    """Learn every cell; teams that leave out the same member learn once."""
    members = {member.name: member for member in map(load_member, snakemake.input.members)}
    method = plugins.module("methods", snakemake.params.method)
    preflight(snakemake, method)
    stats: list[dict[str, float]] = []
    made: dict[tuple[str | None, str | None], Path] = {}
    datasets = dict.fromkeys(cell[3] for cell in snakemake.params.cells)
    verifier = open_verifier(snakemake)
    lessons = {dataset: lesson(snakemake, dataset, members, verifier, stats) for dataset in datasets}
    with ExitStack() as stack:
        # Begun together, so that of two copies of this job one makes them all.
        folders = [stack.enter_context(whole_directory(path)) for path in snakemake.output.learned]
        for cell, folder in zip(map(tuple, snakemake.params.cells), folders, strict=True):
            given = lessons[cell[3]]
            decided = team(snakemake, given, cell) if method.LEVEL == "weight" else {"masked": None}
            key = (cell[3] if getattr(method, "PER_DATASET", True) else None, decided["masked"])
            if key in made:
                shutil.copytree(made[key], folder, copy_function=link, dirs_exist_ok=True)
            else:
                method.learn(replace(given, masked=decided["masked"]), folder)
                write_fingerprint(folder, weights=method.LEVEL == "weight")
            made.setdefault(key, folder)
            if method.LEVEL == "weight":
                write_json(folder / TEAM, decided)
    if verifier is not None:
        stats.append(verifier.engine.stats)
    write_cost(snakemake.output.cost, "learn", *stats)


if __name__ == "__main__":
    with rule_job(snakemake):
        take_gpus(snakemake.resources.get("gpu", 0))
        main(snakemake)
