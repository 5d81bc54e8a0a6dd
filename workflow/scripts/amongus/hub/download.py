"""A repository of the Hugging Face hub, through `huggingface_hub`; what goes wrong there is one line."""

import glob
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import DatasetInfo, HfApi, ModelInfo
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    SafetensorsParsingError,
)

from amongus.core.errors import StudyError, full_disk
from amongus.hub.repository import File, Repository
from amongus.study.hub_references import DATASETS

_LOG = logging.getLogger(__name__)
_WAITS = (2.0, 15.0, 60.0)
"""Seconds before each further try; the library's own retries bridge only short failures."""
_TIMEOUT = 60.0  # seconds
_TRANSIENT = (408, 429, 500, 502, 503, 504)

T = TypeVar("T")


class HubRepository(Repository):
    """A repository of the hub at a commit, downloaded to `root`, where an earlier download goes on."""

    def __init__(self, repo: str, revision: str, root: Path) -> None:
        found = _info(repo, revision)
        files = {
            file.rfilename: File(file.size or 0, file.lfs.sha256 if file.lfs else file.blob_id)
            for file in found.siblings or ()
        }
        super().__init__(f"{repo}@{revision[:8]}", root, files)
        if found.sha != revision:
            raise self.refusal(f"the hub answers with commit {found.sha}", "run make pin CONFIG=<the study's file>")
        self._repo, self._address = repo, {**_address(repo), "revision": revision}

    def get(self, names: Iterable[str]) -> None:
        """Download files. Whole ones of an earlier run are kept; those that differ are removed."""
        if not (names := list(names)):
            return
        for litter in self.root.glob(".cache/huggingface/download/**/*.incomplete"):
            litter.unlink()  # Of a killed run: the library does not go on within a file.
        size = sum(self.files[name].size for name in names if not (self.root / name).exists())
        _LOG.info("%s: %d files, %.3f GB to download", self.name, len(names), size / 1e9)
        wanted = [glob.escape(name) for name in names]
        _request(
            self._repo, lambda: _hub().snapshot_download(**self._address, local_dir=self.root, allow_patterns=wanted)
        )
        for name in names:
            if fault := self.fault(name):
                (self.root / name).unlink(missing_ok=True)
                raise self.refusal(f"{name} {fault}", "the download is discarded, run again")
            if name.endswith(".safetensors"):
                super().check_header(name)  # A few missing bytes at the end do not show in the header.

    def check_header(self, name: str) -> list[str]:
        """Check a safetensors file on the hub, of which only the header is downloaded."""

        def check() -> list[str]:
            try:
                header = _hub().parse_safetensors_file_metadata(**self._address, filename=name, timeout=_TIMEOUT)
                end = max((tensor.data_offsets[1] for tensor in header.tensors.values()), default=0)
                if end > self.files[name].size - 8:
                    raise SafetensorsParsingError("shorter than its header says")
                return list(header.tensors)
            except (SafetensorsParsingError, AttributeError, LookupError, RecursionError, TypeError) as error:
                raise self.refusal(f"{name} is not a safetensors file ({error})") from None

        return _request(self._repo, check)


def current_commit(repo: str) -> str:
    """The newest commit of a repository; StudyError where it is unavailable."""
    return str(_info(repo, None, waits=()).sha)


def check_access(repo: str, revision: str) -> None:
    """Check that a commit may be downloaded here, by the token too; StudyError where it may not."""
    _info(repo, revision, waits=())
    _request(repo, lambda: _hub().auth_check(**_address(repo)), waits=())


def _info(repo: str, revision: str | None, waits: Sequence[float] = _WAITS) -> ModelInfo | DatasetInfo:
    """What the hub says of a repository at a commit, or at its newest."""
    wanted = {**_address(repo), "revision": revision, "files_metadata": True, "timeout": _TIMEOUT}
    found = _request(repo, lambda: _hub().repo_info(**wanted), waits)
    assert isinstance(found, ModelInfo | DatasetInfo)
    return found


def _hub() -> HfApi:
    return HfApi(endpoint=_endpoint())


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _address(repo: str) -> dict[str, Any]:
    """How the library names a repository, of models or of data."""
    kind = "dataset" if repo.startswith(DATASETS) else "model"
    return {"repo_id": repo.removeprefix(DATASETS), "repo_type": kind}


def _request(repo: str, action: Callable[[], T], waits: Sequence[float] = _WAITS) -> T:
    """Do `action`, again where the hub or the network may have recovered.

    Raises:
        StudyError: the hub refuses, or is unreachable.
    """
    problem = ""
    for wait in (*waits, None):
        try:
            return action()
        except (HTTPError, OSError, RuntimeError) as error:  # Of httpx2, huggingface_hub, and hf_xet.
            if getattr(error, "errno", None) or full_disk(error, "."):
                raise  # The disk's fault, not the network's.
            # The library hides the hub's answer behind the fact that it has no copy.
            cause = (error.__cause__ if isinstance(error, LocalEntryNotFoundError) else None) or error
            if line := _refusal(repo, cause):
                raise StudyError(f"{repo}: {line}") from None
            problem = " ".join(str(cause).split()) or type(cause).__name__
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StudyError(
                f"{repo}: {_endpoint()} does not answer like a hub ({error}); check HF_ENDPOINT and proxies"
            ) from None
        if wait is not None:
            _LOG.warning("%s: %s; trying again in %.0f s", repo, problem, wait)
            time.sleep(wait)
    raise StudyError(
        f"{repo}: {_endpoint()} is unreachable ({problem}); check the network and run again, whole files are kept; "
        "or work without a network (hub_folder, see docs/hub.md)"
    )


def _refusal(repo: str, error: BaseException) -> str | None:
    """What an answer of the hub means that will stay the same, and the fix; None for a passing failure."""
    lines = {
        GatedRepoError: f"gated; accept its licence at {_endpoint()}/{repo} and set HF_TOKEN to your token",
        RepositoryNotFoundError: "no such repository, or a private one; correct the name, or set HF_TOKEN",
        RevisionNotFoundError: "no such revision; correct it, or write unpinned and run make pin",
        OfflineModeIsEnabled: "HF_HUB_OFFLINE is set; unset it, or use hub_folder (docs/hub.md)",
        RemoteEntryNotFoundError: "a listed file is missing; run again later, or pin another commit",
    }
    for kind, line in lines.items():
        if isinstance(error, kind):
            return line
    if not isinstance(error, HfHubHTTPError) or error.response.status_code in _TRANSIENT:
        return None
    status = error.response.status_code
    if status in (401, 403):
        return f"access denied (HTTP {status}); set HF_TOKEN to a token that may read it"
    return f"HTTP {status} from {_endpoint()}; correct the name, or check HF_ENDPOINT"
