"""Rule train: a checkpoint or adapter, whole or not at all, with its fingerprint."""

import shutil
from pathlib import Path
from time import perf_counter

from _helpers import Job, run
from amongus.core.atomic import whole_directory
from amongus.core.json_files import write_json
from amongus.members.member import write_fingerprint
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.training.job import job_of_rule

snakemake: Job


def main(snakemake: Job) -> Path | None:
    """Train into a temporary folder and move it into place; return the folder with the training's checkpoints."""
    began = perf_counter()
    package, kind = snakemake.params.plugin
    with whole_directory(snakemake.output[0]) as folder:
        job = job_of_rule(snakemake, folder)
        metrics = plugins.module(package, kind).train(job)
        write_json(folder / "metrics.json", metrics)
        write_fingerprint(folder)
    cost = {"model_loads": len(snakemake.params.parents), "seconds": perf_counter() - began}
    write_cost(snakemake.output.cost, "train", cost)
    return job.scratch


def train(snakemake: Job) -> None:
    """Train, and remove the checkpoints last: Snakemake removes the model of a job that fails."""
    if scratch := run(snakemake, main):
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    train(snakemake)
