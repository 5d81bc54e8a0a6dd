"""Rule mitigation: the table of what each defence wins back."""

from typing import Any

from _helpers import configure_logging
from amongus.cells import Design, read_scores
from amongus.provenance import write_manifest
from amongus.render import write
from amongus.supervisors import read_masks, supervisors
from amongus.tables import mitigation
from amongus.views import mitigation_view


def main(snakemake: Any) -> None:
    """`cells` labels the files of `input.scores` and of `input.runs`."""
    design, cells = Design.read(snakemake.params.design), snakemake.params.cells
    caught = supervisors(read_masks(snakemake.input.runs, cells), None, design)
    table = mitigation(read_scores(snakemake.input.scores, cells), caught, design)
    write(table, mitigation_view(table, design), snakemake.output)
    write_manifest(snakemake)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
