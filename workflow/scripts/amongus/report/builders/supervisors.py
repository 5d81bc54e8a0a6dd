"""The table of how often each supervisor masked the right member."""

from amongus.core.snakemake_job import Named
from amongus.report.builders._built import Built
from amongus.report.layout import supervisors_view
from amongus.report.scores import Design
from amongus.report.supervisors import read_masks, read_responses, supervisors

NEEDS = ("runs", "response_scores")


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.teams` labels the files of `runs`, `params.members` those of `response_scores`."""
    masks = read_masks(files.runs, params.teams)
    table = supervisors(masks, read_responses(files.response_scores, params.members), design)
    return Built(table, supervisors_view(table, design))
