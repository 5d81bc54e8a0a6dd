"""Rule plan: prints what the study will take."""

from typing import Any

from _helpers import rule_job
from amongus.cli.estimate import plan
from amongus.cli.estimate_text import text
from amongus.study.study import Study


def main(snakemake: Any) -> None:
    """The config is all that is read."""
    study = Study(snakemake.params.config)
    print(f"\n{text(study, plan(study))}", flush=True)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
