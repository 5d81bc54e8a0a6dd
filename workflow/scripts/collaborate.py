"""Rule collaborate: a pool answers the test questions together, under each of its defences."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from _helpers import Job, run
from amongus.core.tables import QUESTIONS, RESPONSES, SCORES, read_table
from amongus.inference.engine import open_engine
from amongus.members.member import Member, load_member
from amongus.members.prompts import Template
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.team import DefenceInput, Outcome, Task, mean_score
from amongus.team.runner import Merge, by_member, columns, known, play, read_evidence, read_merges, write_outcomes

snakemake: Job


@dataclass(frozen=True)
class Round:
    """A dataset under a defence: the members (or merged checkpoint) that answer, and how it was merged, if it was."""

    dataset: str
    defence: str
    members: tuple[Member, ...]
    merge: Merge | None


def main(snakemake: Job) -> None:
    """Play every dataset under every defence. They share an engine, but merged checkpoints are loaded one at a time."""
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    method = plugins.module("methods", params.method)
    members = {member.name: member for member in map(load_member, snakemake.input.members)}
    settings = plugins.typed("methods", params.method, params.settings)
    tasks = read_tasks(snakemake, members, settings, seed)
    evidence = read_evidence(snakemake.input, params)
    outputs = zip(snakemake.output.runs, snakemake.output.transcripts, strict=True)
    files = dict(zip(params.datasets, outputs, strict=True))
    pool = method.prepare(members, settings) if hasattr(method, "prepare") else members
    played: dict[str, dict[str, list[Outcome]]] = defaultdict(dict)
    stats = []
    for answering, rounds in groups(method.LEVEL, list(plan(method, pool, tasks, params.defences))):
        engine = open_engine(params, answering, seed)
        for one in rounds:
            task, module = tasks[one.dataset], params.defences[one.defence]
            read = {} if one.merge else known(module, evidence[one.dataset])
            data = DefenceInput(task.ids, (), seed, task.dev, **read)
            done = played[one.dataset]
            done[one.defence] = play(task, method, module, data, engine, one.merge)
            if len(done) == len(params.defences):
                run, transcript = files[one.dataset]
                write_outcomes(run, transcript, task, {name: done[name] for name in params.defences})
                del played[one.dataset]
        stats.append(engine.stats)
    write_cost(snakemake.output.cost, "collaborate", *stats)


def read_tasks(snakemake: Job, members: Mapping[str, Member], settings: Any, seed: int) -> dict[str, Task]:
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
        merges = read_merges(task.learned) if task.learned and method.LEVEL == "weight" else {}
        for defence in defences:
            merge, members = merges.get(defence), tuple(pool.values())
            if task.learned and hasattr(method, "learned_members"):
                folder = task.learned / merge.folder if merge else task.learned
                members = method.learned_members(pool, dataset, folder)
            yield Round(dataset, defence, members, merge)


def groups(level: str, rounds: list[Round]) -> list[tuple[list[Member], list[Round]]]:
    """Rounds that share an engine, and its members: the pool, all routers, or one merged checkpoint at a time."""
    if level != "weight":
        return [(list({member.name: member for one in rounds for member in one.members}.values()), rounds)]
    equal = defaultdict(list)
    for one in rounds:
        equal[one.members[0].fingerprint].append(one)
    return [(list(same[0].members), same) for same in equal.values()]


if __name__ == "__main__":
    run(snakemake, main)
