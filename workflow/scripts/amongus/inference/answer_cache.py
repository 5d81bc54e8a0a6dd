"""Answers by key, shared by studies: append-only parquet shards, a folder per fingerprint.

No locks: a shard is written whole under a new name and never changed. A checksum over its answers and their fingerprint,
which is the name of its folder, covers all that is read from it. Compaction writes the merged shard before it
removes those it has read, and readers list again when a shard vanishes. Several shards may hold one key (two jobs
wrote it at once, or a compaction was killed): the smallest answer counts, in whatever order they are read.
"""

import errno
import hashlib
import logging
import os
import re
import stat
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from amongus.core.atomic import whole_file
from amongus.core.damage import move_aside, unreadable
from amongus.core.errors import StudyError, full_disk_named
from amongus.core.hashing import canonical
from amongus.core.tables import UNREADABLE, parquet_bytes, parquet_table

SCHEMA = pa.schema([("key", pa.string()), ("text", pa.string()), ("n_tokens", pa.int32()), ("finish", pa.string())])
SUFFIX = ".parquet"

Row = tuple[str, int, str]
"""An answer: text, n_tokens, finish."""

_CHECKSUM = b"sha256"
_VANISHED = (errno.ENOENT, errno.ESTALE)
_NAME = re.compile(r"[0-9A-Za-z_-]{1,128}")
_LITTER_SECONDS = 24 * 3600
_log = logging.getLogger(__name__)


class Store:
    """The answers in the folder `root`. A fingerprint's shards are read when an answer of it is first wanted."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._known: dict[str, dict[str, Row]] = {}
        self._waiting: dict[str, dict[str, Row]] = defaultdict(dict)

    def get(self, fingerprint: str, keys: Iterable[str]) -> dict[str, Row]:
        """The answers among `keys` that are known.

        Raises:
            StudyError: another user could have written them, or the system does not let them be read.
        """
        known = self._partition(fingerprint)
        return {key: known[key] for key in keys if key in known}

    def put(self, fingerprint: str, key: str, row: Row) -> None:
        """Keep an answer; it is on disk after `flush`."""
        text, n_tokens, finish = row
        row = (text.encode("utf-8", "replace").decode("utf-8"), n_tokens, finish)
        self._partition(fingerprint)[key] = row
        self._waiting[fingerprint][key] = row

    @property
    def waiting(self) -> int:
        """How many answers are not on disk yet."""
        return sum(map(len, self._waiting.values()))

    def flush(self) -> None:
        """Write what waits, a shard per fingerprint."""
        for fingerprint in list(self._waiting):
            write_shard(self._folder(fingerprint), self._waiting[fingerprint])
            del self._waiting[fingerprint]

    def fingerprints(self) -> list[str]:
        """The fingerprints that the store has a folder for, sorted."""
        return sorted(folder.name for folder in self.root.glob("*") if _NAME.fullmatch(folder.name))

    def shards(self, fingerprint: str) -> list[Path]:
        """The shards of `fingerprint` at this moment, in no order.

        Raises:
            StudyError: the folder could have been written by others, or cannot be listed.
        """
        folder = self._folder(fingerprint)
        try:
            for place in (self.root, folder):
                refuse_foreign(place)
            return [folder / name for name in os.listdir(folder) if name.endswith(SUFFIX)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unreadable(folder, error) from None

    def compact(self, fingerprint: str) -> int:
        """Merge the shards of `fingerprint` into one, beside jobs that read and write; returns how many there were."""
        folder = self._folder(fingerprint)
        rows, found = self._read_all(fingerprint)
        if len(found) > 1:
            write_shard(folder, rows)
            for path in found:
                path.unlink(missing_ok=True)
        for litter in folder.glob(".*"):  # What killed writers have left behind.
            if time.time() - litter.stat().st_mtime > _LITTER_SECONDS:
                litter.unlink(missing_ok=True)
        return len(found)

    def _partition(self, fingerprint: str) -> dict[str, Row]:
        if fingerprint not in self._known:
            self._known[fingerprint] = self._read_all(fingerprint)[0]
        return self._known[fingerprint]

    def _folder(self, fingerprint: str) -> Path:
        if not _NAME.fullmatch(fingerprint):
            raise StudyError(f"{self.root}: '{fingerprint}' is not a fingerprint; make the member again")
        return self.root / fingerprint

    def _read_all(self, fingerprint: str) -> tuple[dict[str, Row], list[Path]]:
        """All answers of `fingerprint` and the shards they came from, however often these change meanwhile."""
        rows: dict[str, Row] = {}
        seen: set[Path] = set()
        found: list[Path] = []
        while new := sorted(set(self.shards(fingerprint)) - seen):
            seen.update(new)
            for path in new:
                answers = read_shard(path)
                if answers is None:
                    continue
                found.append(path)
                for key, row in answers.items():
                    rows[key] = min(row, rows[key]) if key in rows else row
        return rows, found


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that another user could have put answers into: they go into results without a check.

    Raises:
        StudyError: in one line, with the fix.
    """
    status = folder.stat()
    if status.st_uid != os.getuid():
        raise StudyError(f"{folder}: belongs to user {status.st_uid}; set `store` to a folder of your own")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StudyError(f"{folder}: others may write here; if you trust its answers, chmod go-w {folder}")


def read_shard(path: Path) -> dict[str, Row] | None:
    """A shard's answers by key; None if it vanished, or was damaged and is now moved aside."""
    try:
        return load_shard(path)
    except FileNotFoundError:
        return None  # Compacted: its answers are in a shard that the next listing shows.
    except ValueError as error:
        aside = move_aside(path)
        _log.warning("%s: damaged (%s), moved to %s; its answers are generated again", path, error, aside.name)
        return None


def load_shard(path: Path) -> dict[str, Row]:
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


def write_shard(folder: Path, rows: dict[str, Row]) -> None:
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
