"""Rule table: one of the study's tables, as CSV, Markdown and LaTeX, with a manifest of what it was made from."""

from importlib import import_module

from _helpers import Job, run
from amongus.core.atomic import write_text
from amongus.report.manifest import write_manifest
from amongus.report.render import csv_text, latex, markdown
from amongus.report.scores import Design

snakemake: Job


def main(snakemake: Job) -> None:
    """`wildcards.table` names a module of `amongus.report.tables`, which is part of the rule's digest."""
    params, output = snakemake.params, snakemake.output
    builder = import_module(f"amongus.report.tables.{snakemake.wildcards.table}")
    view = builder.build(snakemake.input, params, Design(params.design))
    write_text(output.csv, csv_text(view.table))
    write_text(output.md, markdown(view))
    write_text(output.tex, latex(view))
    write_manifest(snakemake)


if __name__ == "__main__":
    run(snakemake, main)
