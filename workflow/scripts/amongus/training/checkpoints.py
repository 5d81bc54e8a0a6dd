"""Checkpoints of a training that may be resumed from: those that are as they were when they were written.

The trainer renames nothing into place. So once all processes have written, the first brings every file to the disk and
notes how long it is; a checkpoint without that note, or other than it, was torn by a kill, a crash or a full disk.
"""

import json
import logging
import shutil
from pathlib import Path

from amongus.core.atomic import sync
from amongus.core.checksums import flaw
from amongus.core.errors import StudyError
from amongus.core.json_files import write_json

CHECKPOINT = "checkpoint-"
_NOTE = "whole.json"
_log = logging.getLogger(__name__)


def note_whole(checkpoint: Path) -> None:
    """Note, as its last file, that `checkpoint` is written: the length in bytes of every file, all brought to the disk.

    Raises:
        StudyError: there is nothing.
    """
    if not (lengths := _lengths(checkpoint)):
        raise StudyError(f"{checkpoint}: the trainer has written no checkpoint")
    for name in lengths:
        sync(checkpoint / name)
    write_json(checkpoint / _NOTE, {"bytes": lengths})


def last_checkpoint(scratch: Path) -> str | None:
    """The last checkpoint in `scratch` that is whole; those that are not are removed.

    Raises:
        OSError: the disk does not say which are.
    """
    found = {}
    for folder in scratch.glob(f"{CHECKPOINT}*"):
        if torn := _torn(folder):
            _log.warning("%s: a checkpoint that is not whole (%s) is removed", folder, torn)
            shutil.rmtree(folder, ignore_errors=True)
        else:
            found[int(folder.name.removeprefix(CHECKPOINT))] = str(folder)
    return found[max(found)] if found else None


def _torn(checkpoint: Path) -> str | None:
    """Why a checkpoint, held against its note, is not whole; None if it is."""
    try:
        note = (checkpoint / _NOTE).read_bytes()
    except FileNotFoundError:
        return f"no {_NOTE}"
    if reason := flaw(note, ".json"):
        return f"{_NOTE}: {reason}"
    noted, there = json.loads(note)["bytes"], _lengths(checkpoint)
    lost = [name for name in noted if there.get(name) != noted[name]]
    return f"{lost[0]}: {there.get(lost[0], 'no')} bytes of {noted[lost[0]]}" if lost else None


def _lengths(checkpoint: Path) -> dict[str, int]:
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != _NOTE)
    return {path.relative_to(checkpoint).as_posix(): path.stat().st_size for path in files}
