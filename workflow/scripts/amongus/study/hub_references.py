"""How a study names a checkpoint of the hub: `repo: owner/name`, and as `revision` a commit."""

import re
from collections.abc import Mapping
from typing import Any

from amongus.core.errors import StudyError

UNPINNED = "unpinned"
"""A revision that `make pin` replaces by the repository's current commit."""

DATASETS = "datasets/"
"""How the hub begins the names of repositories that hold data."""

_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def check_reference(where: str, spec: Mapping[str, Any], data: bool = False) -> None:
    """Check `repo`, `revision` and `gigabytes` of a model, or of training data, whose repo begins with `datasets/`.

    Raises:
        StudyError: one of them cannot be meant; the line begins with `where`.
    """
    repo = spec["repo"]
    if data:
        if not isinstance(repo, str) or not repo.startswith(DATASETS):
            raise StudyError(f"{where}: repo is {repo!r}; give {DATASETS}owner/name as the hub shows it")
        repo = repo.removeprefix(DATASETS)
    check_repo(where, repo)
    revision, size = spec.get("revision"), spec.get("gigabytes", 1)
    if not (isinstance(revision, str) and (revision == UNPINNED or _COMMIT.fullmatch(revision))):
        raise StudyError(
            f"{where}: revision is {revision!r}, not a commit of 40 hexadecimal digits; branches and tags move: "
            f"write revision: {UNPINNED} and run make pin CONFIG=<the study's file>"
        )
    if isinstance(size, bool) or not isinstance(size, int | float) or size <= 0:
        raise StudyError(f"{where}: gigabytes is {size!r}; give the size of its download, a number above 0")


def check_repo(where: str, repo: Any) -> None:
    """Check that `repo` is `owner/name`, which becomes a folder and part of a URL.

    Raises:
        StudyError: it is anything else; the line begins with `where`.
    """
    if (
        not isinstance(repo, str)
        or not _REPO.fullmatch(repo)
        or ".." in repo
        or "--" in repo
        or len(repo) > 96
    ):
        raise StudyError(f"{where}: repo is {repo!r}; give owner/name as the hub shows it")


def check_pinned(repo: str, revision: str) -> None:
    """Refuse to fetch what is not pinned.

    Raises:
        StudyError: with the command that pins it.
    """
    if revision == UNPINNED:
        raise StudyError(
            f"{repo}: its revision is not pinned, so the study could not be repeated; run make pin CONFIG=<the study's file>"
        )
