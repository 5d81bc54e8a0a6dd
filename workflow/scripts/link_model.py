"""Rule link_model: a fetched model among those of a seed; the same files, not copies, where the disk can."""

from pathlib import Path

from _helpers import Job, run
from amongus.core.atomic import whole_directory
from amongus.core.hardlinks import link_tree
from amongus.members.member import check_files

snakemake: Job


def main(snakemake: Job) -> None:
    """Link the fetched folder's files into the seed's.

    A damaged one is moved aside, so that it is fetched again: one file under two names goes bad under both.
    """
    fetched = Path(snakemake.input[0])
    check_files(fetched, weights=True)
    with whole_directory(snakemake.output[0]) as folder:
        link_tree(fetched, folder)


if __name__ == "__main__":
    run(snakemake, main)
