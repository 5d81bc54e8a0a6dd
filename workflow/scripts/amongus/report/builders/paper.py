"""The paper's headline figures beside the study's."""

from amongus.core.snakemake_job import Named
from amongus.report.builders._built import Built
from amongus.report.layout import paper_view
from amongus.report.paper import headline
from amongus.report.paper_text import study_text
from amongus.report.scores import Design, read_scores

NEEDS = ("scores",)


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.teams` labels the files of `scores`."""
    scores = read_scores(files.scores, params.teams)
    table = headline(scores, design)
    return Built(table, paper_view(table, design), f"\n{study_text(params.design, table, scores)}")
