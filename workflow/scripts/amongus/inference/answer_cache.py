"""Answers by key, shared by studies: append-only parquet shards, a folder per fingerprint.

No locks: a shard is written whole under a new name and never changed. Compaction writes the merged shard before it
removes those it has read, and readers list again when a shard vanishes. Several shards may hold one key (two jobs
wrote it at once, or a compaction was killed): the smallest answer counts, in whatever order they are read.
"""

import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from amongus.core.damage import unreadable
from amongus.core.errors import StudyError
from amongus.inference import answer_cache_shard as shard
from amongus.inference.answer_cache_shard import Row

_NAME = re.compile(r"[0-9A-Za-z_-]{1,128}")
_LITTER_SECONDS = 24 * 3600


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
            shard.write(self._folder(fingerprint), self._waiting[fingerprint])
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
            return [folder / name for name in os.listdir(folder) if name.endswith(shard.SUFFIX)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unreadable(folder, error) from None

    def compact(self, fingerprint: str) -> int:
        """Merge the shards of `fingerprint` into one, beside jobs that read and write; returns how many there were."""
        folder = self._folder(fingerprint)
        rows, found = self._read_all(fingerprint)
        if len(found) > 1:
            shard.write(folder, rows)
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
                answers = shard.read(path)
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
