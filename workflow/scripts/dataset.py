"""Rule dataset: the questions of both splits, checked and laid out as parquet."""

from typing import Any

from _helpers import configure_logging
from amongus.datasets import questions
from amongus.files import QUESTIONS, write_table


def main(snakemake: Any) -> None:
    """Write `output.dev` and `output.test`."""
    tables = questions(snakemake.params.name, snakemake.params.spec)
    for split in ("dev", "test"):
        write_table(snakemake.output[split], tables[split], QUESTIONS)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
