"""Rule dataset: the questions of both splits, checked and laid out as parquet."""

from _helpers import Job, run
from amongus.core.tables import QUESTIONS, write_table
from amongus.datasets._sources import SPLITS, questions

snakemake: Job


def main(snakemake: Job) -> None:
    """Write `output.dev` and `output.test`."""
    params = snakemake.params
    spec = dict(params.spec)
    sizes = {split: spec.pop(split) for split in SPLITS}
    kind, seed = spec.pop("kind"), spec.pop("data_seed")
    tables = questions(params.name, spec, sizes, seed, kind)
    for split in SPLITS:
        write_table(snakemake.output[split], tables[split], QUESTIONS)


if __name__ == "__main__":
    run(snakemake, main)
