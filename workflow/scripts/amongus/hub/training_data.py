"""Training data out of a repository of the hub: one file of it."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from amongus.hub.fetch import open_repository
from amongus.hub.repository import Repository

_KINDS = (".parquet", ".jsonl", ".json")
_TRAINING = "train"


def data(spec: Mapping[str, Any], folder: str | None, scratch: Path) -> tuple[bytes, str]:
    """The bytes of a data repository's file, and its name for messages.

    Args:
        spec: `repo` (`datasets/owner/name`), `revision`, and `file` where there are several to train on.
        folder: a local folder with repositories, or None for the hub.
        scratch: a folder for the download.

    Raises:
        StudyError: the repository is unavailable, or it is not clear which file is meant.
    """
    repository = open_repository(spec["repo"], spec["revision"], folder, scratch)
    file = _chosen(repository, spec.get("file"))
    repository.get([file])
    return (repository.root / file).read_bytes(), f"{repository.name}: {file}"


def _chosen(repository: Repository, named: str | None) -> str:
    """The file named, or the only one that is called after the training split, or the only one."""
    files = sorted(file for file in repository.files if PurePosixPath(file).suffix in _KINDS)
    training = [file for file in files if _TRAINING in PurePosixPath(file).name]
    for found in [[file for file in files if file == named]] if named else [training, files]:
        if len(found) == 1:
            return found[0]
    raise repository.refusal(
        "which of its files is meant is not clear", f"give file: one of {', '.join(files) or 'none'}"
    )
