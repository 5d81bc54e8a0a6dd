"""Rule collaborate: a pool answers the test questions together, under each of its defences."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from _helpers import rule_job
from amongus.core.gpus import take_gpus
from amongus.core.tables import QUESTIONS, RESPONSES, SCORES, read_table
from amongus.inference.opening import open_engine
from amongus.members.member import Member, load_member
from amongus.members.prompts import Template
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.team.interface import DefenceInput, Task, mean_score
from amongus.team.runner import (
    Evidence,
    Merge,
    Played,
    by_member,
    columns,
    play,
    read_merges,
    unreadable,
    write_outcomes,
)

Round = tuple[str, str, Member | None, Merge | None]
"""A dataset and a defence; the model that the team has learned to ask there, and how it was merged, if it was."""


def main(snakemake: Any) -> None:
    """Play every dataset under every defence. They share an engine, but merged checkpoints are loaded one at a time."""
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    method = plugins.module("methods", params.method)
    members = {member.name: member for member in map(load_member, snakemake.input.members)}
    settings = plugins.typed("methods", params.method, params.settings)
    tasks = read_tasks(snakemake, members, settings, seed)
    evidence = Evidence.by_dataset(snakemake.input, params)
    files = dict(
        zip(
            params.datasets,
            zip(snakemake.output.runs, snakemake.output.transcripts, strict=True),
            strict=True,
        )
    )
    pool = method.prepare(members, settings) if hasattr(method, "prepare") else members
    played: dict[str, dict[str, Played]] = defaultdict(dict)
    stats = []
    for asked, rounds in groups(method, pool, list(plan(method, pool, tasks, params.defences))):
        engine = open_engine(params, asked, seed)
        for dataset, defence, _, merge in rounds:
            task, module = tasks[dataset], params.defences[defence]
            known = DefenceInput(
                task.ids, (), seed, task.dev, **({} if merge else evidence[dataset].known(module))
            )
            outcomes = play(task, method, module, known, engine, merge)
            played[dataset][defence] = Played(outcomes, unreadable(outcomes, known, merge))
            if len(played[dataset]) == len(params.defences):
                done = played.pop(dataset)
                write_outcomes(*files[dataset], task, {name: done[name] for name in params.defences})
        stats.append(engine.stats)
    write_cost(snakemake.output.cost, "collaborate", *stats)


def read_tasks(snakemake: Any, members: Mapping[str, Member], settings: Any, seed: int) -> dict[str, Task]:
    """Dataset -> what a pool needs to answer its test questions."""
    files, params = snakemake.input, snakemake.params
    responses, dev = (by_member(one, params.datasets, params.pool) for one in (files.responses, files.dev))
    questions = dict(zip(params.datasets, files.questions, strict=True))
    learned = dict(zip(params.datasets, map(Path, files.learned), strict=False))
    models = dict(zip(params.models, map(Path, files.named), strict=True))
    prompts = {name: Template(**template) for name, template in params.prompts.items()}
    tasks = {}
    for dataset in params.datasets:
        table = read_table(questions[dataset], QUESTIONS)
        scores = columns(dev[dataset], SCORES, "score")
        tasks[dataset] = Task(
            pool=tuple(params.pool),
            dataset=dataset,
            seed=seed,
            settings=settings,
            prompts=prompts,
            ids=table["id"].to_pylist(),
            questions=table["prompt"].to_pylist(),
            responses=columns(responses[dataset], RESPONSES, "text"),
            dev={member: mean_score(values) for member, values in scores.items()},
            members=members,
            models=models,
            learned=learned.get(dataset),
            limit=params.limit,
        )
    return tasks


def plan(
    method: ModuleType, pool: Mapping[str, Member], tasks: Mapping[str, Task], defences: Mapping[str, str]
) -> Iterator[Round]:
    """Every dataset under every defence, in order."""
    for dataset, task in tasks.items():
        merges = read_merges(task.learned) if method.LEVEL == "weight" else {}
        for defence in defences:
            merge = merges.get(defence)
            folder = task.learned / merge.folder if merge else task.learned
            member = (
                method.learned_member(pool, dataset, folder) if hasattr(method, "learned_member") else None
            )
            yield dataset, defence, member, merge


def groups(
    method: ModuleType, pool: Mapping[str, Member], rounds: list[Round]
) -> list[tuple[list[Member], list[Round]]]:
    """Rounds that share an engine, and whom it asks: the pool, routers, or a merged checkpoint at a time."""
    if not hasattr(method, "learned_member"):
        return [(list(pool.values()), rounds)]
    if method.LEVEL != "weight":
        return [(list({member.name: member for _, _, member, _ in rounds}.values()), rounds)]
    equal = defaultdict(list)
    for one in rounds:
        equal[one[2].fingerprint].append(one)
    return [([same[0][2]], same) for same in equal.values()]


if __name__ == "__main__":
    with rule_job(snakemake):
        take_gpus(snakemake.resources.get("gpu", 0))
        main(snakemake)
