"""Local folders that stand for the network: where pinned files and repositories are looked for instead.

They are told by the environment, since what is fetched is pinned whatever its way here: no rule may depend on them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FILES = "AMONGUS_DATASETS_FOLDER"
_REPOSITORIES = "AMONGUS_HUB_FOLDER"


def use_mirrors(files: str | None, repositories: str | None) -> None:
    """Tell all jobs that are started from here which folders stand for URLs and for the hub, if any do."""
    for variable, folder in ((_FILES, files), (_REPOSITORIES, repositories)):
        os.environ.pop(variable, None)
        if folder:
            os.environ[variable] = str(Path(folder).absolute())


def hub_folder() -> str | None:
    """The folder with repositories `{owner}/{name}` that `use_mirrors` has named."""
    return os.environ.get(_REPOSITORIES)


def mirrored(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of a file, its URL replaced by the file of that name in the folder, if there is a folder."""
    return in_folder(spec, os.environ.get(_FILES))


def in_folder(spec: Mapping[str, Any], folder: str | None) -> dict[str, Any]:
    """`spec` with its URL, if it has one, replaced by the file of that name in `folder`, if there is one."""
    kept = dict(spec)
    if folder and kept.get("url"):
        kept["path"] = str(Path(folder, kept.pop("url").rsplit("/", 1)[-1]))
    return kept
