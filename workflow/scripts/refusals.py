"""Rule refusals: the table of how often texts decline instead of answering."""

from typing import Any

from _helpers import rule_job
from amongus.report.manifest import write_manifest
from amongus.report.refusals import member_cells, read_counts, refusals, refusals_view
from amongus.report.render import write
from amongus.report.scores import Design


def main(snakemake: Any) -> None:
    """`cells` labels the files of `runs` and `scores`; `response_cells` those of `responses`, `response_scores`."""
    files, params = snakemake.input, snakemake.params
    design = Design.read(params.design)
    counts = read_counts(
        [*files.responses, *files.runs],
        [*files.response_scores, *files.scores],
        [*member_cells(params.response_cells), *params.cells],
    )
    table = refusals(counts, design)
    write(table, refusals_view(table, design), snakemake.output)
    write_manifest(snakemake)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
