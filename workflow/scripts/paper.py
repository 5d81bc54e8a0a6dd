"""Rule paper: the paper's headline figures next to the study's."""

from typing import Any

from _helpers import configure_logging
from amongus.cells import Design, read_scores
from amongus.files import write_text
from amongus.headline import differences, headline
from amongus.provenance import write_manifest
from amongus.render import csv_text, markdown
from amongus.views import paper_view


def main(snakemake: Any) -> None:
    """`cells` labels the files of `input.scores`."""
    design = Design.read(snakemake.params.design)
    scores = read_scores(snakemake.input.scores, snakemake.params.cells)
    table = headline(scores, design)
    questions = scores.groupby("dataset")["id"].nunique().to_dict()
    lines = differences(snakemake.params.design, table, questions)
    text = f"{markdown(paper_view(table, design))}\n## This study, beside the paper's\n\n"
    write_text(snakemake.output.csv, csv_text(table))
    write_text(snakemake.output.md, text + "".join(f"- {line}\n" for line in lines))
    write_manifest(snakemake)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
