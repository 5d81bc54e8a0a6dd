"""How a study names a repository of the hub: `repo: owner/name`, and as `revision` a commit."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat, model_validator

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


def _data_repo(repo: str) -> str:
    if not repo.startswith(DATASETS):
        raise ValueError(f"must be {DATASETS}owner/name, as the hub shows it")
    check_repo(repo.removeprefix(DATASETS))
    return repo


def _revision(revision: str) -> str:
    if revision != UNPINNED and not _COMMIT.fullmatch(revision):
        raise ValueError(
            "must be a commit of 40 hexadecimal digits, because branches and tags move: "
            f"write revision: {UNPINNED} and run make pin CONFIG=<the study's file>"
        )
    return revision


_Revision = Annotated[str, AfterValidator(_revision)]


class Repository(Strict):
    """A checkpoint or an adapter of the hub, at a commit."""

    repo: Annotated[str, AfterValidator(check_repo)] = Field(description="Its owner/name.")
    revision: _Revision = Field(description="Its commit; `make pin` writes it where it says `unpinned`.")
    gigabytes: PositiveFloat | None = Field(None, description="Size of its download, for the plan.")


class DataReference(Strict):
    """Training data of the hub, at a commit."""

    repo: Annotated[str, AfterValidator(_data_repo)] | None = Field(
        None, description="A data repository of the hub, datasets/owner/name."
    )
    revision: _Revision | None = Field(None, description="Its commit; `make pin` writes it where it says `unpinned`.")
    file: str | None = Field(None, description="Which of its files, where several could be meant.")

    @model_validator(mode="after")
    def _pinned(self) -> "DataReference":
        if self.repo and not self.revision:
            raise ValueError(f"a repo needs its revision; write revision: {UNPINNED} and run make pin")
        return self


def check_pinned(repo: str, revision: str) -> None:
    """Refuse to fetch what is not pinned.

    Raises:
        StudyError: with the command that pins it.
    """
    if revision == UNPINNED:
        raise StudyError(
            f"{repo}: its revision is not pinned, so the study could not be repeated; run make pin CONFIG=<the study's file>"
        )
