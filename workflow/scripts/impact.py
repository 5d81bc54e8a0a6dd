"""Rule impact: the table of what each attacker costs."""

from typing import Any

from _helpers import configure_logging
from amongus.cells import Design, read_scores
from amongus.provenance import write_manifest
from amongus.render import write
from amongus.tables import impact
from amongus.views import impact_view


def main(snakemake: Any) -> None:
    """`cells` labels the files of `input.scores`."""
    design = Design.read(snakemake.params.design)
    table = impact(read_scores(snakemake.input.scores, snakemake.params.cells), design)
    write(table, impact_view(table, design), snakemake.output)
    write_manifest(snakemake)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
