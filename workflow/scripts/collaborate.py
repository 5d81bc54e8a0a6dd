"""Rule collaborate: a pool answers the test questions together, under each defence of its cells."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from _helpers import rule_job
from amongus.core.gpus import take_gpus
from amongus.inference.opening import open_engine
from amongus.members.member import Member, load_member
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.study.paths import Paths
from amongus.team import DefenceInput
from amongus.team.runner import Cell, evidence, play, read_task, write_outcomes


def main(snakemake: Any) -> None:
    """Play every cell. Cells share an engine, but merged checkpoints come one at a time into memory."""
    params = snakemake.params
    seed = int(snakemake.params.seed)
    paths = Paths(**params.home, seed=str(seed))
    method = plugins.module("methods", params.method)
    members = {member.name: member for member in map(load_member, snakemake.input.members)}
    settings = plugins.typed("methods", params.method, params.settings)
    pool = method.prepare(members, settings) if hasattr(method, "prepare") else members
    cells = {tuple(cell): learned(paths, params, tuple(cell)) for cell in params.cells}
    files = zip(snakemake.output.runs, snakemake.output.transcripts, strict=True)
    outputs = dict(zip(cells, files, strict=True))
    tasks = {d: read_task(paths, params, d, members) for d in dict.fromkeys(cell[3] for cell in cells)}
    stats = []
    for voices, group in groups(method, pool, cells):
        engine = open_engine(params, voices, seed)
        for cell in group:
            task = replace(tasks[cell[3]], learned=cells[cell])
            known = evidence(paths, params, cell, "test") if method.LEVEL != "weight" else {}
            case = DefenceInput(task.ids, (), seed, task.dev, **known)
            outcomes = play(task, method, params.defences[cell[2]], case, engine)
            write_outcomes(*outputs[cell], task, outcomes, case)
        stats.append(engine.stats)
    write_cost(snakemake.output.cost, "collaborate", *stats)


def learned(paths: Paths, params: Any, cell: Cell) -> Path | None:
    """The folder that holds what the method has learned for a cell."""
    pool, method, defence, dataset = cell
    if not params.learned_under:
        return None
    return Path(paths.learned(pool, method, params.learned_under[defence], dataset))


def groups(
    method: ModuleType, pool: Mapping[str, Member], cells: Mapping[Cell, Path | None]
) -> list[tuple[list[Member], list[Cell]]]:
    """Cells that share an engine, and whom it asks: the pool, routers, or a merged checkpoint at a time."""
    if not hasattr(method, "learned_member"):
        return [(list(pool.values()), list(cells))]
    learned = {cell: method.learned_member(pool, cell[3], folder) for cell, folder in cells.items()}
    if method.LEVEL != "weight":
        return [(list({member.name: member for member in learned.values()}.values()), list(cells))]
    equal = defaultdict(list)
    for cell, member in learned.items():
        equal[member.fingerprint].append(cell)
    return [([learned[group[0]]], group) for group in equal.values()]


if __name__ == "__main__":
    with rule_job(snakemake):
        take_gpus(snakemake.resources.get("gpu", 0))
        main(snakemake)
