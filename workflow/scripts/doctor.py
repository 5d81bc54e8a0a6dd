"""Rule doctor: prints what the study lacks on this machine."""

from typing import Any

from _helpers import rule_job
from amongus.cli.doctor.examination import text
from amongus.study.study import Study


def main(snakemake: Any) -> None:
    """It ends well whatever is missing: the list is the answer, and nothing waits for it."""
    print(f"\n{text(Study(snakemake.params.config))}", flush=True)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
