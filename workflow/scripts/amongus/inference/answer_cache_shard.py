"""A shard of the answer cache: a parquet file of answers, written whole under a new name and never changed.

A checksum over its answers and their fingerprint, which is the name of its folder, covers all that is read from it.
"""

import errno
import hashlib
import logging
import uuid
from pathlib import Path

import pyarrow as pa

from amongus.core.atomic import whole_file
from amongus.core.damage import move_aside, unreadable
from amongus.core.errors import full_disk_named
from amongus.core.hashing import canonical
from amongus.core.tables import UNREADABLE, parquet_bytes, parquet_table

SCHEMA = pa.schema([("key", pa.string()), ("text", pa.string()), ("n_tokens", pa.int32()), ("finish", pa.string())])
SUFFIX = ".parquet"

Row = tuple[str, int, str]
"""An answer: text, n_tokens, finish."""

_CHECKSUM = b"sha256"
_VANISHED = (errno.ENOENT, errno.ESTALE)
_log = logging.getLogger(__name__)


def read(path: Path) -> dict[str, Row] | None:
    """A shard's answers by key; None if it vanished, or was damaged and is now moved aside."""
    try:
        return load(path)
    except FileNotFoundError:
        return None  # Compacted: its answers are in a shard that the next listing shows.
    except ValueError as error:
        aside = move_aside(path)
        _log.warning("%s: damaged (%s), moved to %s; its answers are generated again", path, error, aside.name)
        return None


def load(path: Path) -> dict[str, Row]:
    """A shard's answers by key.

    Raises:
        FileNotFoundError: it vanished.
        ValueError: it is damaged; one line that says why.
        StudyError: the system does not let it be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        # A file that is removed while it is read is stale on a network file system.
        raise (FileNotFoundError(path) if error.errno in _VANISHED else unreadable(path, error)) from None
    try:
        table = parquet_table(content)
        columns = table.select(SCHEMA.names).to_pydict()
    except MemoryError:
        raise  # Says nothing about the shard.
    except (*UNREADABLE, KeyError) as error:
        raise ValueError(" ".join(str(error).split())) from None
    if (table.schema.metadata or {}).get(_CHECKSUM) != _checksum(path.parent.name, columns):
        raise ValueError("checksum differs")
    rows = zip(columns["text"], columns["n_tokens"], columns["finish"], strict=True)
    return dict(zip(columns["key"], rows, strict=True))


def write(folder: Path, rows: dict[str, Row]) -> None:
    """Write a shard, whole and under a new name, in a folder that its owner alone may enter."""
    keys = sorted(rows)
    columns = {"key": keys} | {name: [rows[key][place] for key in keys] for place, name in enumerate(SCHEMA.names[1:])}
    schema = SCHEMA.with_metadata({_CHECKSUM: _checksum(folder.name, columns)})
    with full_disk_named(folder.parent):
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(folder / f"{uuid.uuid4().hex}{SUFFIX}") as temporary:
        temporary.write_bytes(parquet_bytes(pa.table(columns, schema=schema)))


def _checksum(fingerprint: str, columns: dict[str, list]) -> bytes:
    content = canonical([fingerprint, *(columns[name] for name in SCHEMA.names)])
    return hashlib.sha256(content).hexdigest().encode()
