"""A repository in a local folder, `{hub_folder}/{owner}/{name}`: for work without a network."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from amongus.core.errors import StudyError
from amongus.hub.repository import File, Repository

_LOG = logging.getLogger(__name__)
_RECORDS = ".cache/huggingface/download"
"""Where `hf download --local-dir` records the commit and checksum of each file."""


class LocalRepository(Repository):
    """The files of a repository in a folder of that name below `folder`.

    What `hf download --local-dir` recorded there is checked: the commit must be `revision`, and each file have its
    checksum. A folder without records is taken for the commit as it is.

    Raises:
        StudyError: on creation, if it is missing, is of another commit, or has links that leave it.
    """

    def __init__(self, folder: str | Path, repo: str, revision: str) -> None:
        root = Path(folder) / repo
        super().__init__(str(root), root)
        if not root.is_dir():
            raise StudyError(
                f"{root}: no such folder; put the repository there (hf download {repo} --revision {revision} "
                f"--local-dir {root}), or omit hub_folder"
            )
        self.files = {
            name: File((root / name).stat().st_size, self._recorded(name, revision)) for name in self._names()
        }
        if not any(file.checksum for file in self.files.values()):
            _LOG.warning("%s: no record of its commit; taken as %s", root, revision)

    def get(self, names: Iterable[str]) -> None:
        """Check the files, which are there already.

        Raises:
            StudyError: one is not what was recorded when it was downloaded.
        """
        for name, fault in self.differing(names).items():
            raise self.refusal(f"{name} {fault}", "download it there again")

    def _names(self) -> Iterator[str]:
        """Every file below the folder but those in hidden folders (`.cache`, `.git`)."""
        inside = self.root.resolve()
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root)
            if any(part.startswith(".") for part in name.parts[:-1]):
                continue
            if path.is_symlink() and not (path.exists() and path.resolve().is_relative_to(inside)):
                raise StudyError(f"{path}: a link that leaves its folder; put the file itself there (cp -L)")
            if path.is_file():
                yield name.as_posix()

    def _recorded(self, name: str, revision: str) -> str | None:
        try:
            lines = (self.root / _RECORDS / f"{name}.metadata").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return None
        commit, known = (*lines, "", "")[:2]
        if commit != revision:
            raise self.refusal(
                f"{name} was downloaded at commit {commit}, the study pins {revision}", "download that one"
            )
        return known or None
