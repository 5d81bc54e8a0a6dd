"""The table of what each defence wins back."""

from amongus.core.snakemake_job import Named
from amongus.report.builders._built import Built
from amongus.report.layout import mitigation_view
from amongus.report.scores import Design, read_scores
from amongus.report.supervisors import read_masks, supervisors
from amongus.report.tables import mitigation

NEEDS = ("scores", "runs")


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.teams` labels the files of `scores` and `runs`."""
    caught = supervisors(read_masks(files.runs, params.teams), None, design)
    table = mitigation(read_scores(files.scores, params.teams), caught, design)
    return Built(table, mitigation_view(table, design))
