"""Rule mitigation: the table of what each defence wins back."""

from typing import Any

from _helpers import rule_job
from amongus.report.layout import mitigation_view
from amongus.report.manifest import write_manifest
from amongus.report.render import write
from amongus.report.scores import Design, read_scores
from amongus.report.supervisors import read_masks, supervisors
from amongus.report.tables import mitigation


def main(snakemake: Any) -> None:
    """`cells` labels the files of `input.scores` and of `input.runs`."""
    design, cells = Design.read(snakemake.params.design), snakemake.params.cells
    caught = supervisors(read_masks(snakemake.input.runs, cells), None, design)
    table = mitigation(read_scores(snakemake.input.scores, cells), caught, design)
    write(table, mitigation_view(table, design), snakemake.output)
    write_manifest(snakemake)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
