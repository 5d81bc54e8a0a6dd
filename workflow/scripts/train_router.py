"""Rule train_router: what a method learns from dev questions about which members to query, one folder per dataset."""

from contextlib import ExitStack
from time import perf_counter

from _helpers import Job, run
from amongus.core.atomic import whole_directory
from amongus.members.member import write_fingerprint
from amongus.report.cost_sidecars import write_cost
from amongus.study import plugins
from amongus.team.learning import read_learn_inputs

snakemake: Job


def main(snakemake: Job) -> None:
    """Train the router of every dataset."""
    began = perf_counter()
    method = plugins.module("methods", snakemake.params.method)
    inputs = read_learn_inputs(snakemake)
    with ExitStack() as stack:
        # Begun together, so that of two copies of this job one makes them all.
        folders = [stack.enter_context(whole_directory(path)) for path in snakemake.output.routers]
        for learn_input, folder in zip(inputs.values(), folders, strict=True):
            method.learn(learn_input, folder)
            write_fingerprint(folder, weights=False)
    write_cost(snakemake.output.cost, "train_router", {"seconds": perf_counter() - began})


if __name__ == "__main__":
    run(snakemake, main)
