"""The same files in several folders: hard links, or copies where a file system cannot link."""

import os
import shutil
from pathlib import Path

_SNAKEMAKES = ".snakemake_timestamp"
"""Written into each folder that a rule makes: the time of that very folder, which two must not share."""


def link(source: Path, target: Path) -> None:
    """Let `target` be the file `source` as well; the file itself where `source` is a symbolic link.

    Raises:
        OSError: it can be neither linked nor copied, or `target` exists.
    """
    source = source.resolve(strict=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        # Another file system, too many links, or another user's file.
        shutil.copyfile(source, target)


def copy(source: Path, target: Path) -> None:
    """Copy a file to where `link` would link it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def link_tree(source: Path, target: Path) -> None:
    """Link every file below the folder `source` into the folder `target`."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name != _SNAKEMAKES:
            link(path, target / path.relative_to(source))
