"""The table of what each attacker costs."""

from amongus.core.snakemake_job import Named
from amongus.report.builders._built import Built
from amongus.report.layout import impact_view
from amongus.report.scores import Design, read_scores
from amongus.report.tables import impact

NEEDS = ("scores",)


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.teams` labels the files of `scores`."""
    table = impact(read_scores(files.scores, params.teams), design)
    return Built(table, impact_view(table, design))
