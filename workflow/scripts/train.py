"""Rule train: a checkpoint or adapter, whole or not at all, with its fingerprint."""

import shutil
from time import perf_counter
from typing import Any

from _helpers import rule_job
from amongus.core.atomic import whole_directory
from amongus.core.gpus import take_gpus
from amongus.core.json_files import write_json
from amongus.members.member import write_fingerprint
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.training.job import job_of_rule


def main(snakemake: Any) -> None:
    """Train into a temporary folder and move it into place."""
    began = perf_counter()
    package, kind = snakemake.params.plugin
    with whole_directory(snakemake.output[0]) as folder:
        job = job_of_rule(snakemake, folder)
        metrics = plugins.module(package, kind).train(job)
        write_json(folder / "metrics.json", metrics)
        write_fingerprint(folder)
    write_cost(
        snakemake.output.cost,
        "train",
        {"model_loads": len(snakemake.params.parents)},
        {"seconds": perf_counter() - began},
    )
    # Last: Snakemake removes the model of a job that fails, which then needs its checkpoints.
    if job.scratch:
        shutil.rmtree(job.scratch, ignore_errors=True)


if __name__ == "__main__":
    with rule_job(snakemake):
        take_gpus(snakemake.resources.get("gpu", 0))
        main(snakemake)
