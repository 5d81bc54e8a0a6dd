"""A repository in a local folder, `{hub_folder}/{owner}/{name}`: where there is no network."""

import logging
import os
from collections.abc import Collection
from pathlib import Path

from amongus.core.errors import StudyError
from amongus.core.hardlinks import link
from amongus.hub.checksums import check_content
from amongus.hub.repository import Entry

_LOG = logging.getLogger(__name__)
_RECORDS = ".cache/huggingface/download"
"""Where `hf download --local-dir` notes the commit and hash of each file it has brought."""


class Folder:
    """The files of a repository in a folder of that name below `root`.

    What `hf download --local-dir` has brought is checked by its records: the commit must be `revision`, and each
    file's hash the recorded one. A folder without records is taken as it is.

    Raises:
        StudyError: on creation, if it is not there, is of another commit, or has links that leave it.
    """

    def __init__(self, root: str | Path, repo: str, revision: str) -> None:
        self._path = Path(root) / repo
        self.name = str(self._path)
        if not self._path.is_dir():
            raise StudyError(
                f"{self.name}: no such folder; put the repository there (hf download {repo} --revision {revision} "
                f"--local-dir {self.name}), or leave out hub_folder"
            )
        self.entries = {file: self._entry(file, revision) for file in self._files()}
        if not any(entry.sha256 or entry.blob for entry in self.entries.values()):
            _LOG.warning("%s: nothing here tells its commit; taken as %s", self.name, revision)

    def needs(self, files: Collection[str], scratch: Path) -> int:
        """Bytes that are still to be copied for `files`; none where they can be linked."""
        if self._path.stat().st_dev == scratch.stat().st_dev:
            return 0
        return sum(self.entries[file].size for file in files if not (scratch / file).exists())

    def read(self, file: str, start: int, size: int) -> bytes:
        """`size` bytes of the file from `start` on."""
        with (self._path / file).open("rb") as handle:
            handle.seek(start)
            return handle.read(size)

    def get(self, file: str, target: Path) -> None:
        """Link or copy a file to `target`.

        Raises:
            StudyError: it is not what was recorded when it was downloaded.
        """
        entry = self.entries[file]
        if entry.sha256 or entry.blob:
            check_content(f"{self.name}: {file}", self._path / file, entry, "download it there again")
        target.unlink(missing_ok=True)
        link(self._path / file, target)

    def _files(self) -> list[str]:
        """Every file below the folder but hidden folders' (`.cache`, `.git`), as paths relative to it.

        Raises:
            StudyError: a symbolic link leads out of the folder, or nowhere.
        """
        inside, found = self._path.resolve(), []
        for place, folders, files in os.walk(self._path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in [*folders, *sorted(files)]:
                path = Path(place) / name
                if path.is_symlink() and not (path.exists() and path.resolve().is_relative_to(inside)):
                    raise StudyError(
                        f"{path}: a link that leaves its folder; put the file itself there (cp -L)"
                    )
                if path.is_file():
                    found.append(path.relative_to(self._path).as_posix())
        return found

    def _entry(self, file: str, revision: str) -> Entry:
        size = (self._path / file).stat().st_size
        try:
            lines = (self._path / _RECORDS / f"{file}.metadata").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return Entry(size)
        commit, known = (*lines, "", "")[:2]
        if commit != revision:
            raise StudyError(
                f"{self.name}: {file} was downloaded at commit {commit}, the study pins {revision}; get that one"
            )
        return Entry(size, sha256=known) if len(known) == 64 else Entry(size, blob=known or None)
