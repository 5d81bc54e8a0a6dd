"""Rule train: a checkpoint or adapter, whole or not at all, with its fingerprint."""

import shutil
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from _helpers import rule_job
from amongus.core.atomic import whole_directory
from amongus.core.gpus import take_gpus
from amongus.core.json_files import write_json
from amongus.members.member import write_fingerprint
from amongus.members.prompts import Template
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.study.paths import Paths
from amongus.training.job import TrainJob
from amongus.training.launching import scratch_folder


def job(snakemake: Any, out: Path) -> TrainJob:
    """The training the rule describes, into the folder `out`."""
    params = snakemake.params
    paths = Paths(**params.home, seed=snakemake.wildcards.seed)
    data = [Path(path) for path in snakemake.input.get("data", [])]
    made = TrainJob(
        name=params.name,
        spec=params.spec,
        models={role: Path(paths.model(model)) for role, model in params.parents.items()},
        out=out,
        seed=int(snakemake.wildcards.seed),
        prompts={name: Template(**template) for name, template in params.prompts.items()},
        personas=params.personas,
        questions={dataset: Path(paths.questions(dataset, "dev")) for dataset in params.get("datasets", [])},
        data=data[0] if data else None,
        **params.get("machine", {}),
    )
    return replace(made, scratch=scratch_folder(paths.home, made, params.code)) if data else made


def main(snakemake: Any) -> None:
    """Train into a temporary folder and move it into place."""
    began = perf_counter()
    room, name = snakemake.params.room
    told = None
    with whole_directory(snakemake.output[0]) as folder:
        told = job(snakemake, folder)
        metrics = plugins.module(room, name).train(told)
        write_json(folder / "metrics.json", metrics)
        write_fingerprint(folder)
    write_cost(
        snakemake.output.cost,
        "train",
        {"model_loads": len(snakemake.params.parents)},
        {"seconds": perf_counter() - began},
    )
    # Last of all: of a job that fails Snakemake removes the model.
    if told and told.scratch:
        shutil.rmtree(told.scratch, ignore_errors=True)


if __name__ == "__main__":
    with rule_job(snakemake):
        take_gpus(snakemake.resources.get("gpu", 0))
        main(snakemake)
