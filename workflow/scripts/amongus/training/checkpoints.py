"""Checkpoints of a training that may be resumed from: those that are as they were when they were written.

The trainer renames nothing into place. So once all processes have written, the first brings every file to the disk and
notes how long it is; a checkpoint without that note, or other than it, was torn by a kill, a crash or a full disk.
"""

import logging
import shutil
from pathlib import Path

from amongus.errors import StudyError
from amongus.files import read_json, sync, write_json

CHECKPOINT = "checkpoint-"
_NOTE = "whole.json"
_log = logging.getLogger(__name__)


def note_whole(checkpoint: Path) -> None:
    """Note, as its last file, that `checkpoint` is written: the length in bytes of every file, all brought to the disk."""
    lengths = _lengths(checkpoint)
    for name in lengths:
        sync(checkpoint / name)
    write_json(checkpoint / _NOTE, {"bytes": lengths})


def last_checkpoint(scratch: Path) -> str | None:
    """The last checkpoint in `scratch` that is whole; those that are not are removed."""
    found = {}
    for folder in scratch.glob(f"{CHECKPOINT}*"):
        try:
            _check_whole(folder)
            found[int(folder.name.removeprefix(CHECKPOINT))] = str(folder)
        except StudyError as error:
            _log.warning("a checkpoint that is not whole is removed: %s", error)
            shutil.rmtree(folder, ignore_errors=True)
    return found[max(found)] if found else None


def _check_whole(checkpoint: Path) -> None:
    """Hold a checkpoint against its note.

    Raises:
        StudyError: there is none, or a file is missing or has another length.
    """
    noted = read_json(checkpoint / _NOTE)["bytes"]
    there = _lengths(checkpoint)
    for name in noted:
        if there.get(name) != noted[name]:
            raise StudyError(
                f"{checkpoint / name}: {there.get(name, 'no')} bytes, {noted[name]} were written"
            )


def _lengths(checkpoint: Path) -> dict[str, int]:
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != _NOTE)
    return {path.relative_to(checkpoint).as_posix(): path.stat().st_size for path in files}
