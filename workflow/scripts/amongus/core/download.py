"""Files from outside that are pinned by their sha256: a local path, or a URL that is fetched."""

import hashlib
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError
from amongus.core.offline import mirrored

_LOG = logging.getLogger(__name__)
_TIMEOUT = 60.0  # seconds
_TRIES = 4
_CHUNK = 1 << 20  # bytes


def content(spec: Mapping[str, Any], what: str, wait: float = 2.0) -> tuple[bytes, str]:
    """The bytes of a pinned file, and its name for messages.

    Args:
        spec: `path` or `url`, and `sha256`. A folder that stands for URLs (see `mirrors`) is looked into instead.
        what: is to be read, for the message.
        wait: seconds before the first retry of a URL; doubled each time.

    Raises:
        StudyError: no or two places given, file missing, URL unreachable, sha256 differs.
    """
    spec = mirrored(spec)
    path, url = spec.get("path"), spec.get("url")
    if bool(path) == bool(url):
        raise StudyError(f"{what} needs either path or url; give one of them in the study's config")
    where = str(path or url)
    found = _from_path(Path(where)) if path else _from_url(where, wait)
    _check_sha256(where, found, spec.get("sha256"))
    return found, where


def _from_path(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file; give another path or a url in the study's config") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); mend it or give another path") from None


def _from_url(url: str, wait: float) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise StudyError(f"{url}: only http and https are fetched; for a local file give path")
    have = bytearray()
    for trial in range(_TRIES):
        try:
            _go_on(url, have)
            return bytes(have)
        except urllib.error.HTTPError as error:
            problem = f"HTTP {error.code} {error.reason}"
            if error.code < 500 and error.code not in (408, 429):
                break  # asking again will not help
        except (OSError, HTTPException, ValueError) as error:
            problem = str(error) or type(error).__name__
        if trial + 1 < _TRIES:
            _LOG.warning("%s: %s; trying again", url, problem)
            time.sleep(wait * 2**trial)
    raise StudyError(
        f"{url}: unreachable after {trial + 1} tries ({problem}); check the network, or give a local path "
        "in the config"
    )


def _go_on(url: str, have: bytearray) -> None:
    """Append to `have` what of the file is still missing; from its start where the server sends no parts."""
    headers = {"Range": f"bytes={len(have)}-"} if have else {}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have.clear()
        while chunk := response.read(_CHUNK):
            have += chunk
        if response.length:
            raise IncompleteRead(b"", response.length)


def _check_sha256(where: str, content: bytes, wanted: str | None) -> None:
    found = hashlib.sha256(content).hexdigest()
    if not wanted:
        raise StudyError(
            f"{where}: no sha256 in the config; if this is the file you mean, add sha256: {found}"
        )
    if str(wanted).lower() != found:
        raise StudyError(
            f"{where}: sha256 differs: config {wanted}, file {found}; fetch the pinned file or pin this one "
            "in the config"
        )
