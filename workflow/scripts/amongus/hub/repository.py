"""A repository of models or data at one commit, wherever it is read from, and the checksums of its files."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amongus.core.checksums import hash_file
from amongus.core.errors import StudyError

_SHA256_DIGITS = 64


@dataclass(frozen=True)
class File:
    """A file of a repository: bytes, and its sha256 (large files) or git's sha1; None where nothing records one."""

    size: int
    checksum: str | None = None


class Repository(ABC):
    """A repository at one commit.

    Attributes:
        name: what messages call it.
        root: the folder below which `get` makes its files available.
        files: everything it holds, by path relative to its top.
    """

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root
        self.files: dict[str, File] = {}

    @abstractmethod
    def get(self, names: Iterable[str]) -> None:
        """Make files available below `root`, whole and checked.

        Raises:
            StudyError: one is unavailable, or its checksum differs.
        """

    def shapes(self, name: str) -> dict[str, list[int]]:
        """The shape of each tensor in a safetensors file below `root`; only its header is read.

        Raises:
            StudyError: it is not a safetensors file, or is not as long as its header says.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.root / name, "numpy") as file:
                return {tensor: file.get_slice(tensor).get_shape() for tensor in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError) as error:
            raise self.not_safetensors(name, error) from None

    def read_json(self, name: str) -> Any:
        """The content of a JSON file below `root`.

        Raises:
            StudyError: it is not JSON.
        """
        try:
            return json.loads((self.root / name).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise self.refusal(f"{name} is not JSON ({error})") from None

    def refusal(self, what: str, fix: str = "give another repository or revision") -> StudyError:
        """The error that says why the repository cannot be used."""
        return StudyError(f"{self.name}: {what}; {fix}")

    def not_safetensors(self, name: str, error: Exception) -> StudyError:
        """The error about a file of weights that cannot be one."""
        return self.refusal(f"{name} is not a safetensors file ({error})")

    def differing(self, names: Iterable[str]) -> dict[str, str]:
        """The files below `root` that are missing or have another checksum than is known, and what is wrong."""
        faults = {}
        for name in names:
            path, known = self.root / name, self.files[name].checksum
            found = checksum(path, len(known)) if known and path.is_file() else None
            if not path.is_file():
                faults[name] = "is missing"
            elif known and found != known.lower():
                faults[name] = f"differs from its checksum ({known} expected, {found} found)"
        return faults


def checksum(path: Path, digits: int) -> str:
    """The sha256 of a file, or with 40 digits what git names its content by: the sha1 of a blob."""
    if digits == _SHA256_DIGITS:
        return hash_file(path)
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
