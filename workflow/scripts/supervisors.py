"""Rule supervisors: the table of how often each supervisor masked the right member."""

from typing import Any

from _helpers import rule_job
from amongus.report.layout import supervisors_view
from amongus.report.manifest import write_manifest
from amongus.report.render import write
from amongus.report.scores import Design
from amongus.report.supervisors import read_masks, read_responses, supervisors


def main(snakemake: Any) -> None:
    """`cells` labels the files of `input.runs`, `response_cells` those of `input.responses`."""
    design = Design.read(snakemake.params.design)
    masks = read_masks(snakemake.input.runs, snakemake.params.cells)
    responses = read_responses(snakemake.input.responses, snakemake.params.response_cells)
    table = supervisors(masks, responses, design)
    write(table, supervisors_view(table, design), snakemake.output)
    write_manifest(snakemake)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
