"""A repository of the Hugging Face hub at one commit: asked with patience, resumed, checked by its own hashes."""

import logging
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status
from tqdm import tqdm

from amongus.core.errors import StudyError
from amongus.hub.checksums import check_content
from amongus.hub.repository import Entry
from amongus.study.hub_references import DATASETS

_LOG = logging.getLogger(__name__)
_TRIES = 6
_LONGEST_WAIT = 120.0  # seconds
_TIMEOUT = 60.0  # seconds without an answer
_WORTH_ANOTHER_TRY = (408, 429, 500, 502, 503, 504)
_TROUBLE = (httpx2.HTTPError, httpx2.InvalidURL)  # The hub's own errors are of the first kind.

T = TypeVar("T")


@contextmanager
def online() -> Iterator[None]:
    """Let this process, and no other, reach the hub for a while; it is not told what else is installed here.

    Jobs inherit HF_HUB_OFFLINE=1 (amongus/machine.py). The library has read that when it was imported, so what it
    has read is changed, and the environment, which a process started meanwhile would inherit, is not.
    """
    before = constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY
    constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY = False, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY = before


def endpoint() -> str:
    """The hub's address: HF_ENDPOINT, or the public one."""
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


class Hub:
    """The files of a repository at one commit; to be used inside `online`.

    Args:
        repo: owner/name, of data `datasets/owner/name`.
        revision: a commit.
        wait: seconds before the second try, doubled each time.

    Raises:
        StudyError: on creation, if the repository or revision is not there or not for us.
    """

    def __init__(self, repo: str, revision: str, wait: float = 2.0) -> None:
        self.name = f"{repo}@{revision[:8]}"
        self._repo, self._revision, self._wait = repo, revision, wait
        found = _info(repo, revision, wait)
        if found.sha != revision:
            raise StudyError(
                f"{self.name}: the hub answers with commit {found.sha}; run make pin CONFIG=<the study's file>"
            )
        self.entries = {
            file.rfilename: Entry(int(file.size or 0), file.lfs.sha256 if file.lfs else None, file.blob_id)
            for file in found.siblings or ()
        }

    def needs(self, files: Collection[str], scratch: Path) -> int:
        """Bytes that are still to be downloaded for `files` below `scratch`."""
        there = [path for file in files for path in (scratch / file, _part(scratch / file)) if path.exists()]
        return sum(self.entries[file].size for file in files) - sum(path.stat().st_size for path in there)

    def read(self, file: str, start: int, size: int) -> bytes:
        """`size` bytes of the file from `start` on.

        Raises:
            StudyError: they cannot be had.
        """

        def ask() -> bytes:
            with self._stream(file, f"bytes={start}-{start + size - 1}") as response:
                skipped = 0 if response.status_code == 206 else start
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) >= skipped + size:
                        break
                return bytes(content[skipped : skipped + size])

        return _ask(self._repo, self._wait, ask) if size else b""

    def get(self, file: str, target: Path) -> None:
        """Download a file to `target`, going on where an earlier attempt ended.

        Raises:
            StudyError: it cannot be had, or its hash differs from the hub's.
        """
        entry, part, where = self.entries[file], _part(target), f"{self.name}: {file}"
        if _whole(where, target, entry):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        if part.stat().st_size > entry.size:
            part.write_bytes(b"")
        self._download(file, part)
        try:
            check_content(where, part, entry, "what was downloaded is thrown away, run again")
        except StudyError:
            part.unlink()
            raise
        os.replace(part, target)

    def _download(self, file: str, part: Path) -> None:
        """Go on with `part` until it is as long as the file."""
        entry, patience = self.entries[file], _Patience(self._repo, self._wait)
        with tqdm(
            total=entry.size, unit="B", unit_scale=True, desc=f"{self._repo} {file}", mininterval=10
        ) as bar:
            while (have := part.stat().st_size) < entry.size:
                bar.update(have - bar.n)
                try:
                    self._append(file, part, have, bar)
                    trouble: Exception = httpx2.ReadError("the connection ended early")
                except _TROUBLE as error:
                    trouble = error
                if part.stat().st_size > have:
                    patience.reset()
                if part.stat().st_size < entry.size:
                    patience.failed(trouble)

    def _append(self, file: str, part: Path, have: int, bar: tqdm) -> None:
        """Append what the hub sends of a file from byte `have` on; from the start, if it takes no ranges."""
        with self._stream(file, f"bytes={have}-" if have else None) as response:
            if response.status_code == 206 and not response.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            ):
                raise httpx2.RemoteProtocolError("another range than asked for")
            with part.open("ab" if response.status_code == 206 else "wb", buffering=0) as out:
                for chunk in response.iter_bytes():
                    out.write(chunk)
                    bar.update(len(chunk))
                    if out.tell() > self.entries[file].size:
                        raise StudyError(
                            f"{self.name}: {file} is longer than the hub's list says; run again later"
                        )

    @contextmanager
    def _stream(self, file: str, span: str | None) -> Iterator[httpx2.Response]:
        """The hub's answer to a request for a file, or the bytes `span` of it. Large ones lie on other hosts,
        which never see the token: httpx drops it where a redirect leaves the hub's.
        """
        repo, kind = _named(self._repo)
        url = hf_hub_url(repo, file, repo_type=kind, revision=self._revision, endpoint=endpoint())
        headers = {**build_hf_headers(), "Accept-Encoding": "identity", **({"Range": span} if span else {})}
        with get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT) as response:
            hf_raise_for_status(response)
            yield response


def current_commit(repo: str, wait: float = 0.2) -> str:
    """The newest commit of a repository; to be used inside `online`. Somebody waits for it, so it gives up soon.

    Raises:
        StudyError: it is not there or not for us.
    """
    return _info(repo, None, wait).sha


def _named(repo: str) -> tuple[str, str]:
    """The hub's name and kind of a repository."""
    return (repo.removeprefix(DATASETS), "dataset") if repo.startswith(DATASETS) else (repo, "model")


def _info(repo: str, revision: str | None, wait: float) -> Any:
    hub, (name, kind) = HfApi(endpoint=endpoint()), _named(repo)
    options = {"repo_type": kind, "revision": revision, "files_metadata": True, "timeout": _TIMEOUT}
    try:
        return _ask(repo, wait, lambda: hub.repo_info(name, **options))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(
            f"{repo}: {endpoint()} does not answer like a hub ({error}); check HF_ENDPOINT and proxies"
        ) from None


def _ask(repo: str, wait: float, action: Callable[[], T]) -> T:
    patience = _Patience(repo, wait)
    while True:
        try:
            return action()
        except _TROUBLE as error:
            patience.failed(error)


class _Patience:
    """Waits after each failure, longer each time, and gives up when several in a row brought nothing."""

    def __init__(self, repo: str, wait: float) -> None:
        self._repo, self._wait, self._failures = repo, wait, 0

    def reset(self) -> None:
        """Something came: begin to count anew."""
        self._failures = 0

    def failed(self, error: Exception) -> None:
        """Wait before the next try.

        Raises:
            StudyError: another try would not help, or there were enough.
        """
        if isinstance(error, HfHubHTTPError) and error.response.status_code not in _WORTH_ANOTHER_TRY:
            raise _refusal(self._repo, error) from None
        self._failures += 1
        problem = _problem(error)
        if self._failures >= _TRIES:
            raise StudyError(
                f"{self._repo}: {endpoint()} is unreachable after {_TRIES} tries ({problem}); check the network and "
                "run again, what is downloaded is kept; or work without one (hub_folder, see docs/hub.md)"
            ) from None
        asked = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
        wait = max(self._wait * 2 ** (self._failures - 1), float(asked) if asked.isdigit() else 0)
        _LOG.warning("%s: %s; trying again in %.0f s", self._repo, problem, min(wait, _LONGEST_WAIT))
        time.sleep(min(wait, _LONGEST_WAIT))


def _problem(error: Exception) -> str:
    if isinstance(error, HfHubHTTPError):
        return f"HTTP {error.response.status_code}"
    return " ".join(str(error).split()) or type(error).__name__


def _refusal(repo: str, error: HfHubHTTPError) -> StudyError:
    """What an answer that will stay the same means, and what to do."""
    if isinstance(error, GatedRepoError):
        return StudyError(
            f"{repo}: gated; accept its licence at {endpoint()}/{repo} and set HF_TOKEN to your token"
        )
    if isinstance(error, RevisionNotFoundError):
        return StudyError(
            f"{repo}: the hub has no such revision; correct it, or write unpinned and run make pin"
        )
    if isinstance(error, RepositoryNotFoundError):
        return StudyError(f"{repo}: no such repository, or a private one; correct the name, or set HF_TOKEN")
    if isinstance(error, RemoteEntryNotFoundError):
        return StudyError(
            f"{repo}: the hub lists a file that it does not have; run again later, or pin another commit"
        )
    status = error.response.status_code
    if status in (401, 403):
        return StudyError(f"{repo}: HTTP {status}, not for us; set HF_TOKEN to a token that may read it")
    return StudyError(f"{repo}: HTTP {status} from {endpoint()}; correct the name, or check HF_ENDPOINT")


def _whole(where: str, path: Path, entry: Entry) -> bool:
    """Whether an earlier attempt has brought the file; what is not the hub's is removed."""
    try:
        check_content(where, path, entry)
    except FileNotFoundError:
        return False
    except StudyError:
        path.unlink()
        return False
    return True


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")
