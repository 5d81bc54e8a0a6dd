"""A checkpoint or adapter out of a repository: refused or whole, and nothing downloaded twice."""

import errno
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amongus.core.atomic import whole_directory
from amongus.core.checksums import ASIDE, FINGERPRINT, hash_file
from amongus.core.errors import StudyError
from amongus.core.hardlinks import link
from amongus.core.json_files import read_json, write_json
from amongus.hub import repository
from amongus.hub.local import Folder
from amongus.hub.repository import Source
from amongus.members.member import write_fingerprint
from amongus.study.hub_references import check_pinned

_LOG = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def fetch(
    wanted: Mapping[str, Any], folder: str | None, scratch: Path, out: Path, seeds: Iterable[Path] = ()
) -> None:
    """Fetch a repository's model into the folder `out`, with its fingerprint and where it is from.

    Args:
        wanted: `repo`, `revision`, `lora` (an adapter, not a checkpoint), `base` (the repository that an adapter
            must name, None for any).
        folder: a local folder with repositories, or None for the hub.
        scratch: a folder of this model's own where downloads wait until all are there; kept when they fail, so that the
            next run goes on.
        out: replaced whole, or left as it is.
        seeds: folders that an earlier fetch of the model was taken over into.

    Raises:
        StudyError: the repository is unfit or cannot be had; one line with the mend.
    """
    repo, revision = wanted["repo"], wanted["revision"]
    check_pinned(repo, revision)
    scratch = scratch / f"{repo.replace('/', '--')}@{revision}"
    try:
        forget_others(scratch)
        _reuse(seeds, wanted, scratch)
        with opened(repo, revision, folder) as source:
            files = _bring(source, wanted, scratch)
        with whole_directory(out) as made:
            for file in files:
                link(scratch / file, made / file)
            origin = _origin(source, wanted, files)
            _check_earlier(source, origin, made, out.with_name(out.name + ASIDE))
            write_json(made / "source.json", origin)
            write_fingerprint(made)
        shutil.rmtree(scratch.parent)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StudyError(
            f"{repo}: the disk of {scratch} is full; make room and run again, what is downloaded is kept"
        ) from None


@contextmanager
def opened(repo: str, revision: str, folder: str | None) -> Iterator[Source]:
    """A repository at a commit, in a local folder of repositories or, for as long as this lasts, on the hub.

    Raises:
        StudyError: it is not there or not for us.
    """
    if folder:
        yield Folder(folder, repo, revision)
        return
    # The library of the hub takes a third of a second to import, and folders do without.
    from amongus.hub.client import Hub, online

    with online():
        yield Hub(repo, revision)


def _bring(source: Source, wanted: Mapping[str, Any], scratch: Path) -> list[str]:
    """Check the repository and bring its files below `scratch`, small ones first; their names."""
    lora = wanted["lora"]
    repository.check_names(source)
    _forget_strangers(source, scratch)
    small = repository.configs(source, lora)
    _get(source, small, scratch)
    if not lora:
        small += _get(source, repository.module_configs(source, scratch), scratch)
    weights = repository.weights(source, scratch, lora)
    if lora:
        repository.check_adapter(source, scratch, wanted["base"])
    else:
        repository.check_checkpoint(source, scratch, weights)
    _check_space(source, weights, scratch)
    left = sorted(set(source.entries) - {*small, *weights})
    _LOG.info(
        "%s: %d files; not fetched: %s", source.name, len(small) + len(weights), ", ".join(left) or "none"
    )
    return small + _get(source, weights, scratch)


def _get(source: Source, files: list[str], scratch: Path) -> list[str]:
    for file in files:
        source.get(file, scratch / file)
    return files


def _check_space(source: Source, files: Iterable[str], scratch: Path) -> None:
    needed, free = source.needs(list(files), scratch), shutil.disk_usage(scratch).free
    if needed > free:
        raise StudyError(
            f"{source.name}: needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free at {scratch}; make room and run again"
        )


def _origin(source: Source, wanted: Mapping[str, Any], files: Iterable[str]) -> dict[str, Any]:
    """Where the files are from, for whoever finds them later; the same whether from the hub or a folder of it."""
    entries = {file: source.entries[file] for file in files}
    return {
        "repo": wanted["repo"],
        "revision": wanted["revision"],
        "files": {file: entry.sha256 or entry.blob for file, entry in entries.items()},
    }


def _check_earlier(source: Source, origin: Mapping[str, Any], made: Path, aside: Path) -> None:
    """Hold files that nothing records the hash of against those of an earlier fetch, found damaged and moved aside.

    The damage may be the source's own, and would be taken for what is meant.

    Raises:
        StudyError: a file is another than it was at first.
    """
    try:
        if read_json(aside / "source.json") != origin:
            return
        known = read_json(aside / FINGERPRINT)["files"]
    except StudyError:
        return
    for file, recorded in origin["files"].items():
        if not recorded and file in known and hash_file(made / file) != known[file]:
            raise StudyError(
                f"{source.name}: {file} is not what it was when it was first fetched; put the right file there, or remove "
                f"{aside} if this one is meant"
            )


def forget_others(scratch: Path) -> None:
    """Remove what was half downloaded of another commit."""
    for other in scratch.parent.glob("*"):
        if other != scratch:
            shutil.rmtree(other)
    scratch.mkdir(parents=True, exist_ok=True)


def _forget_strangers(source: Source, scratch: Path) -> None:
    """Remove what the repository does not have: another run may have read a folder, and this one the hub."""
    for path in [path for path in scratch.rglob("*") if path.is_file()]:
        if path.relative_to(scratch).as_posix().removesuffix(".part") not in source.entries:
            path.unlink()


def _reuse(seeds: Iterable[Path], wanted: Mapping[str, Any], scratch: Path) -> None:
    """Begin with the files that seeds still have; sources check them as any others.

    Snakemake removes a rule's outputs before it runs again, say for a check that was added here.
    """
    for origin in (seed / "source.json" for seed in seeds):
        known = read_json(origin) if origin.exists() else {}
        if [known.get(key) for key in ("repo", "revision")] == [wanted["repo"], wanted["revision"]]:
            for path in (origin.parent / file for file in known["files"]):
                target = scratch / path.relative_to(origin.parent)
                if path.exists() and not target.exists():
                    link(path, target)
