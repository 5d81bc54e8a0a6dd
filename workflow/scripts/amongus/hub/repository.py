"""A repository of models or data at one commit, in a folder on this machine."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from amongus.core.checksums import hash_file
from amongus.core.errors import StudyError

_LOG = logging.getLogger(__name__)
_SHA256_DIGITS = 64
_RECORDS = ".cache/huggingface/download"
"""Where `hf download --local-dir` records the commit and checksum of each file."""


@dataclass(frozen=True)
class File:
    """A file of a repository: bytes, and its sha256 (large files) or git's sha1; None where nothing records one."""

    size: int
    checksum: str | None


class Repository:
    """A repository in a folder; its methods raise `StudyError`, with the fix, where it cannot be used.

    Attributes:
        name: what messages call it.
        root: the folder.
        files: everything the repository holds, by path relative to its top.
    """

    def __init__(self, name: str, root: Path, files: Mapping[str, File]) -> None:
        self.name, self.root, self.files = name, root, files

    def get(self, names: Iterable[str]) -> None:
        """Make files available below `root`, whole and checked."""
        for name in names:
            if fault := self.fault(name):
                raise self.refusal(f"{name} {fault}", "download it there again")

    def check_header(self, name: str) -> list[str]:
        """Check that a file is whole safetensors, and return its tensors' names; only its header is read."""
        try:
            with safe_open(self.root / name, "numpy") as handle:
                return list(handle.keys())
        except (SafetensorError, OSError, ValueError) as error:
            raise self.refusal(f"{name} is not a safetensors file ({error})") from None

    def read_json(self, name: str) -> Any:
        """The content of a JSON file that `get` has made available."""
        try:
            return json.loads((self.root / name).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise self.refusal(f"{name} is not JSON ({error})") from None

    def refusal(self, what: str, fix: str = "give another repository or revision") -> StudyError:
        """The error that says why the repository cannot be used."""
        return StudyError(f"{self.name}: {what}; {fix}")

    def fault(self, name: str) -> str | None:
        """What is wrong with a file below `root`, by its known checksum; None if nothing is."""
        path, known = self.root / name, self.files[name].checksum
        if not path.is_file():
            return "is missing"
        if not known:
            return None
        if len(known) == _SHA256_DIGITS:
            found = hash_file(path)
        else:  # What git names its content by.
            content = path.read_bytes()
            found = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return None if found == known else f"differs from its checksum ({known} expected, {found} found)"


def local_repository(folder: str | Path, repo: str, revision: str) -> Repository:
    """The repository `{folder}/{owner}/{name}`: for work without a network.

    What `hf download --local-dir` recorded there is checked: the commit must be `revision`, and each file have its
    checksum. A folder without records is taken for the commit as it is.

    Raises:
        StudyError: it is missing, is of another commit, or has links that leave it.
    """
    root = Path(folder) / repo
    if not root.is_dir():
        raise StudyError(
            f"{root}: no such folder; put the repository there (hf download {repo} --revision {revision} "
            f"--local-dir {root}), or omit hub_folder"
        )
    files = {name: File((root / name).stat().st_size, _recorded(root, name, revision)) for name in _names(root)}
    if not any(file.checksum for file in files.values()):
        _LOG.warning("%s: no record of its commit; taken as %s", root, revision)
    return Repository(str(root), root, files)


def _names(root: Path) -> Iterator[str]:
    """Every file below the folder but those in hidden folders (`.cache`, `.git`)."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if any(part.startswith(".") for part in name.parts[:-1]):
            continue
        if path.is_symlink() and not (path.exists() and path.resolve().is_relative_to(root.resolve())):
            raise StudyError(f"{path}: a link that leaves its folder; put the file itself there (cp -L)")
        if path.is_file():
            yield name.as_posix()


def _recorded(root: Path, name: str, revision: str) -> str | None:
    try:
        commit, checksum, _ = (root / _RECORDS / f"{name}.metadata").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    if commit != revision:
        raise StudyError(
            f"{root}: {name} was downloaded at commit {commit}, the study pins {revision}; download that one"
        )
    return checksum.lower()
