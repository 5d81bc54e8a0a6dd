"""Files from outside that are pinned by their sha256: a local path, or a URL that is downloaded.

Local folders may replace the network. The environment says which, not params: downloads are pinned wherever they come
from, so no rule depends on it.
"""

import hashlib
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError

_LOG = logging.getLogger(__name__)
_FILES = "AMONGUS_DATASETS_FOLDER"
_REPOSITORIES = "AMONGUS_HUB_FOLDER"
_TIMEOUT = 60.0  # seconds
_TRIES = 4
_WAIT = 2.0  # Seconds before the second; doubled each time.


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


def content(spec: Mapping[str, Any], what: str) -> tuple[bytes, str]:
    """The bytes of a pinned file, and its name for messages.

    Args:
        spec: `path` or `url`, and `sha256`. A folder that replaces URLs is read instead.
        what: is to be read, for the message.

    Raises:
        StudyError: no place or two places, file missing, URL unreachable, sha256 differs.
    """
    spec = mirrored(spec)
    path, url, wanted = spec.get("path"), spec.get("url"), spec.get("sha256")
    if bool(path) == bool(url):
        raise StudyError(f"{what} needs either path or url; give one of them in the study's config")
    where = str(path or url)
    found = _from_path(Path(where)) if path else _from_url(where)
    digest = hashlib.sha256(found).hexdigest()
    if not wanted:
        raise StudyError(f"{where}: no sha256 in the config; if this is the file you mean, add sha256: {digest}")
    if str(wanted).lower() != digest:
        raise StudyError(
            f"{where}: sha256 differs: config {wanted}, file {digest}; get the pinned file, or pin this one in the config"
        )
    return found, where


def _from_path(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file; give another path or a url in the study's config") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); fix that or give another path") from None


def _from_url(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise StudyError(f"{url}: only http and https are downloaded; for a local file give path")
    problem = ""
    for trial in range(_TRIES):
        if problem:
            _LOG.warning("%s: %s; trying again", url, problem)
            time.sleep(_WAIT * 2 ** (trial - 1))
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            problem = f"HTTP {error.code} {error.reason}"
            if error.code < 500 and error.code not in (408, 429):
                break  # The answer would be the same.
        except (OSError, HTTPException, ValueError) as error:
            problem = str(error) or type(error).__name__
    raise StudyError(f"{url}: unreachable ({problem}); check the network, or give a local path in the config")
