"""One shard of the store: a parquet of answers, checksummed, written whole and never changed.

It is sealed as every file here; a checksum of the answers themselves binds them to their fingerprint, its folder.
"""

import errno
import hashlib
import logging
import os
import stat
import tempfile
import uuid
from pathlib import Path

import pyarrow as pa

from amongus.core.atomic import sync
from amongus.core.checksums import UNSEALED, flaw, move_aside, unreadable
from amongus.core.errors import StudyError, full_disk_named
from amongus.core.hashing import canonical
from amongus.core.tables import parquet_bytes, parquet_table
from amongus.inference.answer_cache_permissions import Access

SCHEMA = pa.schema(
    [("key", pa.string()), ("text", pa.string()), ("n_tokens", pa.int32()), ("finish", pa.string())]
)
SUFFIX = ".parquet"

Row = tuple[str, int, str]
"""An answer: text, n_tokens, finish."""

_CHECKSUM = b"sha256"
_VANISHED = (errno.ENOENT, errno.ESTALE)
log = logging.getLogger(__name__)


def read(path: Path, access: Access) -> dict[str, Row] | None:
    """A shard's answers; None where it vanished, or was damaged and is now moved aside.

    Raises:
        StudyError: somebody else could have written it, it is not a plain file, or the disk does not give it.
    """
    try:
        return load(path, access)
    except FileNotFoundError:
        return None  # Compacted away: its answers are in a shard that the next listing shows.
    except ValueError as error:
        reason = " ".join(str(error).split())
        aside = move_aside(path)
        log.warning(
            "%s: damaged shard (%s), moved to %s; its answers are asked again", path, reason, aside.name
        )
        return None


def load(path: Path, access: Access) -> dict[str, Row]:
    """A shard's answers.

    Raises:
        FileNotFoundError: it vanished.
        ValueError: it is damaged.
        StudyError: somebody else could have written it, it is not a plain file, or the disk does not give it.
    """
    try:
        # A pipe of that name would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _vanished(path, error) or StudyError(
            f"{path}: cannot be opened ({error.strerror}); the store holds plain files only"
        ) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise StudyError(f"{path}: is no file; the store holds plain files only, remove it")
    with os.fdopen(handle, "rb") as file:
        access.refuse(path, os.fstat(handle))
        try:
            content = file.read()
        except OSError as error:
            raise _vanished(path, error) or unreadable(path, error) from None
    reason = flaw(content, SUFFIX)
    # Shards of before there were seals have the checksum of their answers alone.
    if reason and reason != UNSEALED:
        raise ValueError(reason)
    try:
        table = parquet_table(content)
    except MemoryError:
        raise  # Says nothing about the shard.
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error)) from None
    if table.schema.names != SCHEMA.names:
        raise ValueError("other columns")
    columns = table.to_pydict()
    if (table.schema.metadata or {}).get(_CHECKSUM) != _checksum(path.parent.name, columns):
        raise ValueError("checksum differs")
    rows = zip(columns["text"], columns["n_tokens"], columns["finish"], strict=True)
    return dict(zip(columns["key"], rows, strict=True))


def write(folder: Path, rows: dict[str, Row], access: Access) -> None:
    """Write a shard, whole and under a name nobody else has, for its owner (or the store's group) only.

    Raises:
        StudyError: the disk is full.
    """
    keys = sorted(rows)
    columns = {"key": keys} | {
        name: [rows[key][place] for key in keys] for place, name in enumerate(SCHEMA.names[1:])
    }
    schema = SCHEMA.with_metadata({_CHECKSUM: _checksum(folder.name, columns)})
    with full_disk_named(folder.parent):
        access.make_folder(folder.parent)
        access.make_folder(folder)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)  # Mode 0600.
        try:
            with os.fdopen(handle, "wb") as file:
                access.give(handle)
                file.write(parquet_bytes(pa.table(columns, schema=schema)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, folder / f"{uuid.uuid4().hex}{SUFFIX}")
        except BaseException:
            os.unlink(name)
            raise
        sync(folder)


def _vanished(path: Path, error: Exception) -> FileNotFoundError | None:
    """What stands for `error` if it says that the file is gone: on a network file system, even while it is read."""
    return FileNotFoundError(path) if getattr(error, "errno", None) in _VANISHED else None


def _checksum(fingerprint: str, columns: dict[str, list]) -> bytes:
    content = canonical([fingerprint, *(columns[name] for name in SCHEMA.names)])
    return hashlib.sha256(content).hexdigest().encode()
