"""The table of how often texts decline instead of answering."""

from amongus.core.snakemake_job import Named
from amongus.report.builders._built import Built
from amongus.report.refusals import member_labels, read_counts, refusals, refusals_view
from amongus.report.scores import Design

NEEDS = ("scores", "runs", "responses", "response_scores")


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.teams` labels the files of teams, `params.members` those of members."""
    counts = read_counts(
        [*files.responses, *files.runs],
        [*files.response_scores, *files.scores],
        [*member_labels(params.members), *params.teams],
    )
    table = refusals(counts, design)
    return Built(table, refusals_view(table, design))
