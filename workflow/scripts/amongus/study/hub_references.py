"""How a study names a repository of the hub: `repo: owner/name`, and as `revision` a commit."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat

from amongus.core.errors import StudyError
from amongus.study.settings import Strict

UNPINNED = "unpinned"
"""A revision that `make pin` replaces by the repository's current commit."""
DATASETS = "datasets/"
"""How the hub begins the names of repositories that hold data."""
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def check_repo(repo: str) -> str:
    """`repo`, if it is `owner/name`: it becomes a folder and part of a URL.

    Raises:
        ValueError: it is anything else.
    """
    if not _REPO.fullmatch(repo) or ".." in repo or "--" in repo or len(repo) > 96:
        raise ValueError("must be owner/name, as the hub shows it")
    return repo


def _revision(revision: str) -> str:
    if revision != UNPINNED and not _COMMIT.fullmatch(revision):
        raise ValueError(
            "must be a commit of 40 hexadecimal digits, because branches and tags move: "
            f"write revision: {UNPINNED} and run make pin CONFIG=<the study's file>"
        )
    return revision


Revision = Annotated[str, AfterValidator(_revision)]


class Repository(Strict):
    """A checkpoint or an adapter of the hub, at a commit."""

    repo: Annotated[str, AfterValidator(check_repo)] = Field(description="Its owner/name.")
    revision: Revision = Field(description="Its commit; `make pin` writes it where it says `unpinned`.")
    gigabytes: PositiveFloat | None = Field(None, description="Size of its download, for the plan.")


def check_pinned(repo: str, revision: str) -> None:
    """Refuse to fetch what is not pinned.

    Raises:
        StudyError: with the command that pins it.
    """
    if revision == UNPINNED:
        raise StudyError(
            f"{repo}: its revision is not pinned, so the study could not be repeated; run make pin CONFIG=<the study's file>"
        )
