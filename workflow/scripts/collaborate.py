"""Rule collaborate: a pool answers the test questions together, under each defence of its cells."""

from pathlib import Path
from types import ModuleType
from typing import Any

from _helpers import configure_logging
from amongus import rooms
from amongus.collaboration import evidence, play, read_task, write_outcomes
from amongus.costs import write_cost
from amongus.engine.opening import open_engine
from amongus.members import load_member
from amongus.paths import Paths


def main(snakemake: Any) -> None:
    """Play every cell. Cells share an engine; merged checkpoints come one dataset at a time into memory."""
    params = snakemake.params
    seed = int(snakemake.wildcards.seed)
    paths = Paths(**params.home, seed=str(seed))
    method = rooms.module("methods", params.cells[0][1])
    pool = {member.name: member for member in map(load_member, snakemake.input.members)}
    datasets = list(dict.fromkeys(cell[3] for cell in params.cells))
    learned = {
        dataset: method.learned_member(pool, dataset, Path(folder))
        for dataset, folder in zip(datasets, snakemake.input.learned, strict=bool(snakemake.input.learned))
    }
    files = zip(snakemake.output.runs, snakemake.output.transcripts, strict=True)
    outputs = dict(zip(map(tuple, params.cells), files, strict=True))
    stats = []
    for group in groups(method, datasets):
        engine = open_engine(params, [learned[d] for d in group] if learned else pool.values(), seed)
        for dataset in group:
            task = read_task(paths, params, dataset, seed)
            for cell in (cell for cell in outputs if cell[3] == dataset):
                known = evidence(paths, cell, task, params.attackers)
                write_outcomes(*outputs[cell], task, play(task, method, cell[2], known, engine), known)
        stats.append(engine.stats)
    write_cost(snakemake.output.cost, "collaborate", *stats)


def groups(method: ModuleType, datasets: list[str]) -> list[list[str]]:
    """Datasets that share an engine: all, unless each has a merged checkpoint of its own."""
    return [[dataset] for dataset in datasets] if method.LEVEL == "weight" else [datasets]


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
