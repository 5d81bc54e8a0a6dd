"""Rule extract_vector: the steering vectors of an attacker, extracted on the member it replaces."""

import os
import tempfile
from pathlib import Path
from time import perf_counter

from _helpers import Job, run
from amongus.core.atomic import whole_file
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.training.job import job_of_rule

snakemake: Job


def main(snakemake: Job) -> None:
    """Extract into a temporary folder and move the vectors into place."""
    began = perf_counter()
    package, kind = snakemake.params.plugin
    vectors = Path(snakemake.output.vectors)
    vectors.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=vectors.parent) as folder:
        plugins.module(package, kind).train(job_of_rule(snakemake, Path(folder)))
        with whole_file(vectors) as target:
            os.replace(Path(folder) / "vectors.safetensors", target)
    write_cost(snakemake.output.cost, "extract_vector", {"seconds": perf_counter() - began})


if __name__ == "__main__":
    run(snakemake, main)
