"""Answers by key, shared by studies: append-only parquet answer_cache_shard, a folder per fingerprint.

No locks: a shard is written whole under a name of its own and never changed. Compaction writes the merged
shard before it removes those it has read, and readers list again when a shard vanishes. Several shards may
hold one key (two jobs asked at once, or a compaction was killed): the smallest answer counts, in whatever
order they are read.
"""

import logging
import os
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from amongus.core.errors import StudyError
from amongus.inference import answer_cache_shard
from amongus.inference.answer_cache_permissions import Access
from amongus.inference.answer_cache_shard import Row

COMPACT_ABOVE = 32
"""Shards of one fingerprint above which a reader merges them."""

_NAME = re.compile(r"[0-9A-Za-z_-]{1,128}")
_TURN = ".compacting"
_TURN_SECONDS = 3600
_LITTER_SECONDS = 24 * 3600
_log = logging.getLogger(__name__)


class Store:
    """The answers under `root`. A fingerprint's shards are read when it is first asked for.

    Args:
        root: the store's folder.
        compact_above: shards of one fingerprint above which a reader merges them.
        group: a group (name or number) that shares the store; nobody does if it is None.

    Raises:
        StudyError: `root`, a folder or a shard belongs to another user or may be written by others.
    """

    def __init__(
        self, root: str | Path, compact_above: int = COMPACT_ABOVE, group: str | None = None
    ) -> None:
        self.root = Path(root)
        self.compact_above = compact_above
        self.access = Access.of(group)
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
        """Write what waits, a shard per fingerprint.

        Raises:
            StudyError: the disk is full.
        """
        for fingerprint in list(self._waiting):
            answer_cache_shard.write(self._folder(fingerprint), self._waiting[fingerprint], self.access)
            del self._waiting[fingerprint]

    def fingerprints(self) -> list[str]:
        """The fingerprints that the store has a folder for, sorted."""
        return sorted(folder.name for folder in self.root.glob("*") if _NAME.fullmatch(folder.name))

    def compact(self, fingerprint: str) -> tuple[int, int]:
        """Merge the shards of `fingerprint` into one, unless another process is at it.

        Returns:
            How many shards there were, and how many of them are now one.
        """
        folder = self._folder(fingerprint)
        with _turn(folder) as mine:
            rows, found = self._read_all(folder)
            if mine:
                _sweep(folder)
            if not mine or len(found) < 2:
                return len(found), 0
            answer_cache_shard.write(folder, rows, self.access)
            for path in found:
                path.unlink(missing_ok=True)
        return len(found), len(found)

    def _partition(self, fingerprint: str) -> dict[str, Row]:
        if fingerprint not in self._known:
            rows, found = self._read_all(self._folder(fingerprint))
            self._known[fingerprint] = rows
            if len(found) > self.compact_above:
                try:
                    self.compact(fingerprint)
                except StudyError as error:
                    # It has what it wants.
                    _log.warning("not compacted: %s", error)
        return self._known[fingerprint]

    def _folder(self, fingerprint: str) -> Path:
        if not _NAME.fullmatch(fingerprint):
            raise StudyError(f"{self.root}: '{fingerprint}' is not a fingerprint; make the member again")
        return self.root / fingerprint

    def _read_all(self, folder: Path) -> tuple[dict[str, Row], list[Path]]:
        """All answers of a folder and the shards they came from, however often the folder changes meanwhile.

        Raises:
            StudyError: a folder or shard is refused, or this user may not enter it.
        """
        try:
            return self._gather(folder)
        except PermissionError as error:
            raise StudyError(
                f"{error.filename}: you may not enter this folder; have its owner let the store's group in (chmod g+rwxs), "
                "or use a store of your own"
            ) from None

    def _gather(self, folder: Path) -> tuple[dict[str, Row], list[Path]]:
        rows: dict[str, Row] = {}
        seen: set[str] = set()
        found: list[Path] = []
        for place in (folder.parent, folder):
            if place.is_dir():
                self.access.refuse(place, os.stat(place))
        while new := sorted(_listed(folder) - seen):
            for name in new:
                seen.add(name)
                answers = answer_cache_shard.read(folder / name, self.access)
                if answers is None:
                    continue
                found.append(folder / name)
                for key, row in answers.items():
                    rows[key] = min(row, rows[key]) if key in rows else row
        return rows, found


def _listed(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in os.scandir(folder) if entry.name.endswith(answer_cache_shard.SUFFIX)}
    except FileNotFoundError:
        return set()


@contextmanager
def _turn(folder: Path) -> Iterator[bool]:
    """Whether it is this process's turn to compact `folder`.

    Not a lock: two at once would only do the work twice. It keeps a thousand jobs that start together from doing it
    a thousand times. A turn that was taken long ago is a dead process's.
    """
    sign = folder / _TURN
    if _older(sign, _TURN_SECONDS):
        sign.unlink(missing_ok=True)
    try:
        os.close(os.open(sign, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        # Another's turn; or the disk is full, or the folder not to be written: a reader can do without.
        yield False
        return
    try:
        yield True
    finally:
        sign.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what killed writers have left behind."""
    for litter in folder.glob(".*.tmp"):
        if _older(litter, _LITTER_SECONDS):
            litter.unlink(missing_ok=True)


def _older(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > seconds
    except FileNotFoundError:
        return False
