"""Rule figures: the picture of one table."""

from typing import Any

from _helpers import configure_logging
from amongus.cells import Design
from amongus.figures import draw, read
from amongus.provenance import check_table


def main(snakemake: Any) -> None:
    """`name` says which table `input.table` holds."""
    design = Design.read(snakemake.params.design)
    check_table(snakemake.input.table, snakemake.input.manifest)
    draw(snakemake.params.name, read(snakemake.input.table), design, snakemake.output.figure)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
