"""The one exception that is meant for the person who runs a study."""

import errno
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Libraries written in other languages hand on the system's words, not its number.
_FULL = ("No space left on device", "Disk quota exceeded")
# torch reports only that a write failed.
_TORN = ("PytorchStreamWriter", "inline_container")
# Less room than this, in bytes, and a writer that failed has failed for it.
_ROOM = 2**26


class StudyError(Exception):
    """Something in the study's input is wrong; the message is one line that names the file and the fix.

    Scripts print it without a traceback and exit with status 1. What does not print (it may quote model text or
    a file's content) is spelled out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))


class ConfigError(StudyError):
    """Everything that is wrong in a study's config, a line each."""

    def __init__(self, lines: Sequence[str]) -> None:
        Exception.__init__(self, "\n".join(map(_one_line, lines)))


def _one_line(message: str) -> str:
    line = " ".join(message.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def run_command(main: Callable[[], int]) -> None:
    """Leave the process with the status that `main` returns; a `StudyError` is one line and status 1."""
    try:
        sys.exit(main())
    except StudyError as error:
        sys.exit(f"Error: {error}")


def full_disk(error: BaseException, folder: str | Path) -> StudyError | None:
    """The line to show where `error` means that the disk of `folder` is full or a quota used up; else None."""
    code = getattr(error, "errno", None)
    full = code in (errno.ENOSPC, errno.EDQUOT) or any(words in str(error) for words in _FULL)
    if not full and not (any(words in str(error) for words in _TORN) and no_room(folder)):
        return None
    what = "a quota is used up" if code == errno.EDQUOT or _FULL[1] in str(error) else "the disk is full"
    return StudyError(f"{folder}: {what}; make room there and run again, nothing that was made is lost")


def no_room(folder: str | Path) -> bool:
    """Whether next to nothing can be written where `folder` is."""
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False


@contextmanager
def full_disk_named(folder: str | Path) -> Iterator[None]:
    """Turn the error of a full disk into one line that names `folder`, which was being written."""
    try:
        yield
    except Exception as error:
        line = None if isinstance(error, StudyError) else full_disk(error, folder)
        if line is None:
            raise
        raise line from None
