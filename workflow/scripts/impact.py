"""Rule impact: the table of what each attacker costs."""

from typing import Any

from _helpers import rule_job
from amongus.report.layout import impact_view
from amongus.report.manifest import write_manifest
from amongus.report.render import write
from amongus.report.scores import Design, read_scores
from amongus.report.tables import impact


def main(snakemake: Any) -> None:
    """`cells` labels the files of `input.scores`."""
    design = Design.read(snakemake.params.design)
    table = impact(read_scores(snakemake.input.scores, snakemake.params.cells), design)
    write(table, impact_view(table, design), snakemake.output)
    write_manifest(snakemake)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
