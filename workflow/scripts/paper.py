"""Rule paper: the paper's headline figures next to the study's."""

from typing import Any

from _helpers import rule_job
from amongus.core.atomic import write_text
from amongus.core.tables import SCORES
from amongus.report.layout import paper_view
from amongus.report.manifest import write_manifest
from amongus.report.paper import differences, headline, unscored
from amongus.report.render import csv_text, markdown
from amongus.report.scores import CELL, Design, read_long


def main(snakemake: Any) -> None:
    """`cells` labels the files of `input.scores`."""
    design = Design.read(snakemake.params.design)
    columns = ["id", "score", "reason"]
    scores = read_long(snakemake.input.scores, snakemake.params.cells, SCORES, CELL, columns)
    table = headline(scores, design)
    questions = scores.groupby("dataset")["id"].nunique().to_dict()
    lines = [*differences(snakemake.params.design, table, questions), *unscored(scores)]
    text = f"{markdown(paper_view(table, design))}\n## This study, beside the paper's\n\n"
    write_text(snakemake.output.csv, csv_text(table))
    write_text(snakemake.output.md, text + "".join(f"- {line}\n" for line in lines))
    write_manifest(snakemake)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
