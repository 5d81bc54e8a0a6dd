"""Local folders in place of the network, and which jobs may reach it.

This is kept in the environment, not in params: downloads are pinned wherever they come from, so no rule depends on it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FILES = "AMONGUS_DATASETS_FOLDER"
_REPOSITORIES = "AMONGUS_HUB_FOLDER"


def use_mirrors(files: str | None, repositories: str | None) -> None:
    """Tell all jobs that are started from here which folders replace URLs and the hub, if any."""
    for variable, folder in ((_FILES, files), (_REPOSITORIES, repositories)):
        os.environ.pop(variable, None)
        if folder:
            os.environ[variable] = str(Path(folder).absolute())


def hub_folder() -> str | None:
    """The folder with repositories `{owner}/{name}` that `use_mirrors` has named."""
    return os.environ.get(_REPOSITORIES)


def allow_hub() -> None:
    """Let this process reach the hub. To be called before `huggingface_hub` is imported, which reads this once.

    Jobs inherit HF_HUB_OFFLINE=1 (`amongus.core.processes`).
    """
    os.environ.update(HF_HUB_OFFLINE="0", HF_HUB_DISABLE_TELEMETRY="1")


def mirrored(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of a file, its URL replaced by the file of that name in the folder that replaces URLs, if any."""
    kept, folder = dict(spec), os.environ.get(_FILES)
    if folder and kept.get("url"):
        kept["path"] = str(Path(folder, kept.pop("url").rsplit("/", 1)[-1]))
    return kept
