"""Damaged files: named in one line, and moved aside to `….damaged`, so that the next run makes them again."""

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

from amongus.core.errors import StudyError

ASIDE = ".damaged"


def read_bytes(path: str | Path, part_of: str | Path | None = None) -> bytes:
    """The bytes of a file, which may be part of a folder that is made as one.

    Raises:
        StudyError: the file is missing or cannot be read; the line names it and the fix.
    """
    path = Path(path)
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise missing(path, part_of) from None
    except OSError as error:
        raise unreadable(path, error) from None


def missing(path: Path, part_of: str | Path | None = None) -> StudyError:
    """The error that a file does not exist, and why if that is known."""
    place = Path(part_of or path)
    aside = place.with_name(place.name + ASIDE)
    if aside.exists():
        return StudyError(f"{path}: was damaged and moved to {aside}; run again to make it again")
    return StudyError(f"{path}: no such file; run the rule that makes it")


def unreadable(path: Path, error: OSError) -> StudyError:
    """The error that the system cannot read a file. Its bytes may be whole, so it stays in place."""
    return StudyError(f"{path}: cannot be read ({error.strerror}); fix that and run again")


def damaged(path: str | Path, reason: object, part_of: str | Path | None = None) -> StudyError:
    """Move a damaged file, or the folder it is part of, aside, and return the error that says so."""
    reason, whole = " ".join(str(reason).split()), part_of or path
    try:
        aside = move_aside(whole)
    except OSError as error:
        return StudyError(
            f"{path}: damaged ({reason}) and cannot be moved aside ({error.strerror}); remove {whole}, or ask its owner to"
        )
    return StudyError(f"{path}: damaged ({reason}); moved to {aside}; run again to make it again")


def move_aside(path: str | Path) -> Path:
    """Rename a damaged file or folder to `….damaged`, replacing an earlier file of that name; returns the new name."""
    path = Path(path)
    aside = path.with_name(path.name + ASIDE)
    # Another job may have moved it already, or do so now.
    if os.path.lexists(path):
        with suppress(FileNotFoundError):
            if aside.is_dir():  # Folders, unlike files, cannot be replaced.
                names = (aside.with_name(f"{aside.name}.{number}") for number in count(2))
                os.rename(aside, next(name for name in names if not name.exists()))
            os.replace(path, aside)
    return aside
