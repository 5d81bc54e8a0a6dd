"""The table of how often each supervisor masked the right member."""

from typing import Any

from amongus.report.builders._built import Built
from amongus.report.layout import supervisors_view
from amongus.report.scores import Design
from amongus.report.supervisors import read_masks, read_responses, supervisors

NEEDS = ("runs", "response_scores")


def build(files: Any, params: Any, design: Design) -> Built:
    """`params.teams` labels the files of `runs`, `params.members` those of `response_scores`."""
    masks = read_masks(files.runs, params.teams)
    table = supervisors(masks, read_responses(files.response_scores, params.members), design)
    return Built(table, supervisors_view(table, design))
