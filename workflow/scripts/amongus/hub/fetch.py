"""A checkpoint or adapter out of a repository, refused or whole."""

import logging
import shutil
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from amongus.core.atomic import whole_directory
from amongus.core.errors import full_disk_named
from amongus.core.hardlinks import copy, link
from amongus.core.json_files import write_json
from amongus.hub import checks
from amongus.hub.repository import Repository, local_repository
from amongus.members.member import write_fingerprint
from amongus.study.hub_references import check_pinned

_LOG = logging.getLogger(__name__)


def fetch(wanted: Mapping[str, Any], folder: str | None, scratch: Path, out: Path, seeds: Iterable[Path] = ()) -> None:
    """Fetch a repository's model into the folder `out`, with its fingerprint and where it is from.

    Args:
        wanted: `repo`, `revision`, `lora` (an adapter, not a checkpoint), `base` (the repository that an adapter
            must name, None for any).
        folder: a local folder with repositories, or None for the hub.
        scratch: a folder of this model's own for what is downloaded, kept for the next run where the download fails.
        out: replaced whole, or left as it is.
        seeds: folders into which an earlier fetch was linked. Snakemake removes `out` before it fetches again, say
            for a check that was added here, and weights that a seed still has are not downloaded twice.

    Raises:
        StudyError: the repository is refused or unavailable; one line with the fix.
    """
    with full_disk_named(scratch.parent):
        repository = open_repository(wanted["repo"], wanted["revision"], folder, scratch)
        if wanted["lora"]:
            files = checks.adapter_files(repository, wanted["base"])
        else:
            files = checks.checkpoint_files(repository)
        left = sorted(repository.files.keys() - files)
        _LOG.info("%s: not fetched: %s", repository.name, ", ".join(left) or "none")
        for seed, name in product([] if folder else seeds, files):
            # `huggingface_hub` compares their checksums.
            if name.endswith(".safetensors") and (seed / name).is_file() and not (scratch / name).exists():
                link(seed / name, scratch / name)
        repository.get(files)
        with whole_directory(out) as made:
            for name in files:
                # What has no known checksum is copied: as a link, it would be damaged wherever the other is.
                (link if repository.files[name].checksum else copy)(repository.root / name, made / name)
            known = {name: repository.files[name].checksum for name in files}
            source = {"repo": wanted["repo"], "revision": wanted["revision"], "files": known}
            write_json(made / "source.json", source)
            write_fingerprint(made)
    shutil.rmtree(scratch, ignore_errors=True)


def open_repository(repo: str, revision: str, folder: str | None, scratch: Path) -> Repository:
    """A repository at a commit: in a local folder of repositories, or on the hub, from where `scratch` is filled.

    Raises:
        StudyError: it is not pinned, or is unavailable.
    """
    check_pinned(repo, revision)
    if folder:
        return local_repository(folder, repo, revision)
    from amongus.hub.download import HubRepository  # Takes a third of a second, and folders do without.

    return HubRepository(repo, revision, scratch)
