"""Whether addresses answer: a HEAD request each, many at a time, nothing fetched and no token sent."""

import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

_AT_A_TIME = 16
_NO_HEAD = (405, 501)
ASKS_WHO = (401, 403)
"""HTTP codes of a repository that is not open."""


def problems(urls: Iterable[str], seconds: float = 5.0) -> dict[str, str]:
    """For each address what is wrong with it, empty where it answers.

    Args:
        urls: each is asked once.
        seconds: to wait for an answer.
    """
    once = list(dict.fromkeys(urls))
    if not once:
        return {}
    with ThreadPoolExecutor(min(_AT_A_TIME, len(once))) as pool:
        return dict(zip(once, pool.map(lambda url: problem(url, seconds), once), strict=True))


def problem(url: str, seconds: float = 5.0) -> str:
    """What is wrong with an address, empty where it answers."""
    if not url.startswith(("https://", "http://")):
        return "only http and https are fetched"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code in _NO_HEAD else f"HTTP {error.code} {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "reason", "") or error) or type(error).__name__


def asks_who(found: str) -> bool:
    """Whether a problem is that the source wants to know who asks."""
    return found.startswith(tuple(f"HTTP {code}" for code in ASKS_WHO))
