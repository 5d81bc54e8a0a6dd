"""Rule adopt: a fetched model among those of a seed; the same files, not copies, where the disk can."""

from pathlib import Path
from typing import Any

from _helpers import configure_logging
from amongus.files import whole_directory
from amongus.links import link_tree


def main(snakemake: Any) -> None:
    """Link the fetched folder's files into the seed's."""
    with whole_directory(snakemake.output[0]) as folder:
        link_tree(Path(snakemake.input[0]), folder)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
