"""Rule cost: the table of what each rule's jobs loaded, asked and took."""

from typing import Any

from _helpers import configure_logging
from amongus.files import write_text
from amongus.provenance import write_manifest
from amongus.render import csv_text
from amongus.tables import cost, read_costs


def main(snakemake: Any) -> None:
    """Sum the jobs' sidecars by rule."""
    write_text(snakemake.output.csv, csv_text(cost(read_costs(snakemake.input.sidecars))))
    write_manifest(snakemake)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
