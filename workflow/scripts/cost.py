"""Rule cost: the table of what each rule's jobs loaded, asked and took."""

from typing import Any

from _helpers import rule_job
from amongus.core.atomic import write_text
from amongus.report.manifest import write_manifest
from amongus.report.render import csv_text
from amongus.report.tables import cost, read_costs


def main(snakemake: Any) -> None:
    """Sum the jobs' sidecars by rule."""
    write_text(snakemake.output.csv, csv_text(cost(read_costs(snakemake.input.sidecars))))
    write_manifest(snakemake)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
