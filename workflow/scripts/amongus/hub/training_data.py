"""Training data out of a repository of the hub: one file of it."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from amongus.core.errors import StudyError
from amongus.hub import repository
from amongus.hub.fetch import forget_others, opened
from amongus.study.hub_references import check_pinned

_KINDS = (".parquet", ".jsonl", ".json")
_TRAINING = "train"


def data(spec: Mapping[str, Any], folder: str | None, scratch: Path) -> tuple[bytes, str]:
    """The bytes of a data repository's file, and its name for messages.

    Args:
        spec: `repo` (`datasets/owner/name`), `revision`, and `file` where there are several to train on.
        folder: a local folder with repositories, or None for the hub.
        scratch: a folder where the download waits until it is whole; kept when it fails.

    Raises:
        StudyError: the repository cannot be had, or it is not clear which file is meant.
    """
    check_pinned(spec["repo"], spec["revision"])
    forget_others(scratch)
    with opened(spec["repo"], spec["revision"], folder) as source:
        repository.check_names(source)
        file = _chosen(source, spec.get("file"))
        source.get(file, scratch / file)
    return (scratch / file).read_bytes(), f"{source.name}: {file}"


def _chosen(source: repository.Source, named: str | None) -> str:
    """The file named, or the only one that is called after the training split, or the only one."""
    files = sorted(file for file in source.entries if PurePosixPath(file).suffix in _KINDS)
    training = [file for file in files if _TRAINING in PurePosixPath(file).name]
    for found in [[file for file in files if file == named]] if named else [training, files]:
        if len(found) == 1:
            return found[0]
    raise StudyError(
        f"{source.name}: which of its files is meant is not clear; give file: one of {', '.join(files) or 'none'}"
    )
