"""Files and folders on disk, each whole or absent."""

import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from amongus.core.errors import StudyError, full_disk_named

_log = logging.getLogger(__name__)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success sync it and rename it into place, else remove it.

    Raises:
        StudyError: the disk is full.
    """
    path = Path(path)
    with full_disk_named(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path)
        temporary.touch()
        mode = temporary.stat().st_mode
        try:
            yield temporary
            # safetensors makes files private; results follow the umask as any other file does.
            temporary.chmod(mode)
            sync(temporary)
            os.replace(temporary, path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; on success it replaces `path`, else it is removed.

    Where Slurm loses sight of a job, it starts a second copy, and the copy that began last makes `path`. If that is done
    when this one ends, however this one ends, its folder counts as made: Snakemake removes the outputs of a failed job.

    Raises:
        StudyError: the disk is full, or a newer copy of this job has not made `path` yet.
    """
    path = Path(path)
    superseded = StudyError(f"{path}: superseded by a newer copy of this job")
    with full_disk_named(path.parent):
        temporary = _beside(path)
        temporary.mkdir(parents=True)
        # Open, so that no other folder can have its inode.
        opened = os.open(temporary, os.O_RDONLY)
        try:
            _remove_older(path, temporary)
            yield temporary
            for file in temporary.rglob("*"):
                sync(file)
            if not _same(opened, temporary):
                raise superseded
            if path.exists():
                shutil.rmtree(path)
            os.replace(temporary, path)
            sync(path.parent)
        except Exception as error:
            if _same(opened, temporary) or _same(opened, path):
                raise
            if not path.exists():
                raise superseded from error
            _log.warning("%s; that copy has made it, this one failed: %s", superseded, error)
        finally:
            os.close(opened)
            shutil.rmtree(temporary, ignore_errors=True)


def _remove_older(path: Path, kept: Path) -> None:
    """Remove the unfinished folders of earlier jobs that made `path`: all but `kept`.

    Those jobs were killed, or one is still running. So that it finds its folder gone, not half empty, the folder is
    moved away before it is emptied.
    """
    for litter in path.parent.glob(f".{path.name}.????????"):
        if litter != kept:
            away = _beside(path)
            # Its job may be done at this moment.
            with suppress(FileNotFoundError):
                litter.rename(away)
            shutil.rmtree(away, ignore_errors=True)


def _beside(path: Path) -> Path:
    """A new temporary name in the folder of `path`."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _same(opened: int, folder: Path) -> bool:
    """Whether `folder` is still the one that was `opened` when it was made."""
    try:
        return os.path.samestat(os.fstat(opened), os.stat(folder))
    except OSError:
        return False


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")


def sync(path: Path) -> None:
    """Write a file's content, or a folder's list of names, through to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
