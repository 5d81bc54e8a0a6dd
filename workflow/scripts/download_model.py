"""Rule download_model: a checkpoint or adapter of the hub, whole or not at all, with its fingerprint."""

from pathlib import Path

from _helpers import Job, run
from amongus.core.download import allow_hub, hub_folder
from amongus.hub.fetch import fetch

snakemake: Job


def main(snakemake: Job) -> None:
    """Fetch into a scratch folder beside the output, which outlives a failure, and then into place."""
    allow_hub()
    params, out = snakemake.params, Path(snakemake.output[0])
    seeds = sorted(out.parents[1].glob(f"seed-*/models/{out.name}"))
    fetch(params.wanted, hub_folder(), out.parent / ".partial" / out.name, out, seeds)


if __name__ == "__main__":
    run(snakemake, main)
