"""Answers by key, shared by studies: append-only parquet shards, a folder per fingerprint.

No locks: a shard is written whole under a name of its own and never changed. Compaction writes the merged
shard before it removes those it has read, and readers list again when a shard vanishes. Several shards may
hold one key (two jobs asked at once, or a compaction was killed): the smallest answer counts, in whatever
order they are read.
"""

import hashlib
import logging
import os
import re
import stat
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from amongus.errors import StudyError
from amongus.seeds import canonical

SCHEMA = pa.schema(
    [("key", pa.string()), ("text", pa.string()), ("n_tokens", pa.int32()), ("finish", pa.string())]
)
COMPACT_ABOVE = 32
"""Shards of one fingerprint above which a reader merges them."""

Row = tuple[str, int, str]
"""An answer: text, n_tokens, finish."""

_CHECKSUM = b"sha256"
_NAME = re.compile(r"[0-9A-Za-z_-]{1,128}")
log = logging.getLogger(__name__)


class Store:
    """The answers under `root`. A fingerprint's shards are read when it is first asked for.

    Raises:
        StudyError: `root`, a folder or a shard belongs to another user or may be written by others.
    """

    def __init__(self, root: str | Path, compact_above: int = COMPACT_ABOVE) -> None:
        self.root = Path(root)
        self.compact_above = compact_above
        self._known: dict[str, dict[str, Row]] = {}
        self._waiting: dict[str, dict[str, Row]] = defaultdict(dict)

    def get(self, fingerprint: str, keys: Iterable[str]) -> dict[str, Row]:
        """The answers among `keys` that are known."""
        known = self._partition(fingerprint)
        return {key: known[key] for key in keys if key in known}

    def put(self, fingerprint: str, key: str, row: Row) -> None:
        """Keep an answer; it is on disk after `flush`."""
        text, n_tokens, finish = row
        row = (text.encode("utf-8", "replace").decode("utf-8"), n_tokens, finish)
        self._partition(fingerprint)[key] = row
        self._waiting[fingerprint][key] = row

    def flush(self) -> None:
        """Write what waits, a shard per fingerprint."""
        for fingerprint in list(self._waiting):
            _write(self._folder(fingerprint), self._waiting[fingerprint])
            del self._waiting[fingerprint]

    def compact(self, fingerprint: str) -> None:
        """Merge the shards of `fingerprint` into one."""
        folder = self._folder(fingerprint)
        rows, read = _read_all(folder)
        if len(read) > 1:
            _write(folder, rows)
            for path in read:
                path.unlink(missing_ok=True)

    def _partition(self, fingerprint: str) -> dict[str, Row]:
        if fingerprint not in self._known:
            folder = self._folder(fingerprint)
            rows, read = _read_all(folder)
            self._known[fingerprint] = rows
            if len(read) > self.compact_above:
                self.compact(fingerprint)
        return self._known[fingerprint]

    def _folder(self, fingerprint: str) -> Path:
        if not _NAME.fullmatch(fingerprint):
            raise StudyError(f"{self.root}: '{fingerprint}' is not a fingerprint; make the member again")
        return self.root / fingerprint


def _read_all(folder: Path) -> tuple[dict[str, Row], list[Path]]:
    """All answers of a folder and the shards they came from, however often the folder changes meanwhile."""
    rows: dict[str, Row] = {}
    seen: set[str] = set()
    read: list[Path] = []
    for place in (folder.parent, folder):
        if place.is_dir():
            _refuse_foreign(place, os.stat(place))
    while new := sorted(_shards(folder) - seen):
        for name in new:
            seen.add(name)
            found = _read(folder / name, folder.name)
            if found is None:
                continue
            read.append(folder / name)
            for key, row in found.items():
                rows[key] = min(row, rows[key]) if key in rows else row
    return rows, read


def _shards(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in os.scandir(folder) if entry.name.endswith(".parquet")}
    except FileNotFoundError:
        return set()


def _read(path: Path, fingerprint: str) -> dict[str, Row] | None:
    """A shard's answers; None where it vanished or was damaged, and so moved aside."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None  # Compacted away: its answers are in a shard that the next listing shows.
    except OSError as error:
        raise StudyError(
            f"{path}: cannot be opened ({error.strerror}); the store holds plain files only"
        ) from None
    with os.fdopen(handle, "rb") as file:
        _refuse_foreign(path, os.fstat(handle))
        try:
            table = pq.read_table(file)
            if table.schema.names != SCHEMA.names:
                raise ValueError("other columns")
            columns = table.to_pydict()
            if (table.schema.metadata or {}).get(_CHECKSUM) != _checksum(fingerprint, columns):
                raise ValueError("checksum differs")
        except (pa.ArrowException, OSError, ValueError) as error:
            return _set_aside(path, error)
    rows = zip(columns["text"], columns["n_tokens"], columns["finish"], strict=True)
    return dict(zip(columns["key"], rows, strict=True))


def _set_aside(path: Path, error: Exception) -> None:
    aside = path.with_name(path.name + ".damaged")
    reason = " ".join(str(error).split())
    log.warning("%s: damaged shard (%s), moved to %s; its answers are asked again", path, reason, aside.name)
    try:
        os.replace(path, aside)
    except FileNotFoundError:
        log.info("%s: another job has already moved it", path)


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    """Refuse what somebody else could have written: answers go into results unasked."""
    if status.st_uid != os.getuid():
        raise StudyError(
            f"{path}: belongs to user {status.st_uid}, refused; use a store of your own or delete it"
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StudyError(f"{path}: may be written by others, refused; if you trust it, chmod go-w {path}")


def _checksum(fingerprint: str, columns: dict[str, list]) -> bytes:
    content = canonical([fingerprint, *(columns[name] for name in SCHEMA.names)])
    return hashlib.sha256(content).hexdigest().encode()


def _write(folder: Path, rows: dict[str, Row]) -> None:
    """Write a shard, whole and for its owner only, under a name nobody else has."""
    _make_private(folder)
    keys = sorted(rows)
    columns = {"key": keys} | {
        name: [rows[key][place] for key in keys] for place, name in enumerate(SCHEMA.names[1:])
    }
    schema = SCHEMA.with_metadata({_CHECKSUM: _checksum(folder.name, columns)})
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)  # Mode 0600.
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(pa.table(columns, schema=schema), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, folder / f"{uuid.uuid4().hex}.parquet")
    except BaseException:
        os.unlink(name)
        raise
    _sync(folder)


def _make_private(folder: Path) -> None:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for place in (folder.parent, folder):
        place.mkdir(mode=0o700, exist_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
