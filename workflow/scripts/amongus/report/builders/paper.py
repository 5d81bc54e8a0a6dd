"""The paper's headline figures beside the study's."""

from typing import Any

from amongus.report.builders._built import Built
from amongus.report.layout import paper_view
from amongus.report.paper import differences, headline, unscored
from amongus.report.scores import Design, read_scores

NEEDS = ("scores",)


def build(files: Any, params: Any, design: Design) -> Built:
    """`params.teams` labels the files of `scores`."""
    scores = read_scores(files.scores, params.teams)
    table = headline(scores, design)
    questions = scores.groupby("dataset")["id"].nunique().to_dict()
    lines = [*differences(params.design, table, questions), *unscored(scores)]
    notes = "\n## This study, beside the paper's\n\n" + "".join(f"- {line}\n" for line in lines)
    return Built(table, paper_view(table, design), notes)
