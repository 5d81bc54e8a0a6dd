"""Rule dataset: the questions of both splits under one seed, checked and laid out as parquet."""

from _helpers import Job, run
from amongus.core.tables import QUESTIONS, write_table
from amongus.datasets._sources import SPLITS, questions

snakemake: Job


def main(snakemake: Job) -> None:
    """Write `output.dev` and `output.test`."""
    tables = questions(snakemake.params.name, snakemake.params.spec, int(snakemake.wildcards.seed))
    for split in SPLITS:
        write_table(snakemake.output[split], tables[split], QUESTIONS)


if __name__ == "__main__":
    run(snakemake, main)
