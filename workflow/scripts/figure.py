"""Rule figure: the picture of one table."""

from _helpers import Job, run
from amongus.report.figures import draw, read
from amongus.report.manifest import check_table
from amongus.report.scores import Design

snakemake: Job


def main(snakemake: Job) -> None:
    """`wildcards.figure` says which table `input.table` holds."""
    design = Design(snakemake.params.design)
    check_table(snakemake.input.table, snakemake.input.manifest)
    draw(snakemake.wildcards.figure, read(snakemake.input.table), design, snakemake.output.figure)


if __name__ == "__main__":
    run(snakemake, main)
