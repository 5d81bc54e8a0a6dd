"""`make verify`: every checksum below results/, or of one study and its store; no model is loaded.

Checked are sealed files (parquet, JSON, steering vectors), folders with a `fingerprint.json` (models, adapters, routers,
merges: every file in them), the tables by the manifest beside them, and the shards of the store. Logs,
figures and reports carry no checksum.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from amongus.core import checksums
from amongus.core.checksums import FINGERPRINT, hash_file
from amongus.core.errors import StudyError, run_command
from amongus.inference import answer_cache_shard
from amongus.inference.answer_cache_permissions import Access
from amongus.members.member import MISSING, differing
from amongus.report.manifest import MANIFEST
from amongus.study.loading import read_configs
from amongus.study.names import STORE
from amongus.study.paths import PARTIAL, SCRATCH

RESULTS = Path("results")
_SEALED = (".parquet", ".json", ".safetensors")


@dataclass(frozen=True)
class Finding:
    """A file, why it cannot be used, and what is moved aside if it is damaged: itself or the folder it is part of.

    `whole` is None where nothing is known to be damaged: the file is refused, or the system does not let it be read.
    """

    path: Path
    reason: str
    whole: Path | None


def verify(root: str | Path, store: str | Path | None = None, access: Access | None = None) -> list[Finding]:
    """What is damaged below `root`, or cannot be checked.

    Args:
        root: a study's results, or all of them.
        store: the store's folder; what lies in it are answer_cache_shard.
        access: who may write the store; its owner alone if None.
    """
    found: list[Finding] = []

    def closed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            found.append(_unread(Path(error.filename), error))

    things = sorted(_things(Path(root), closed))
    sizes = [_size(thing) for thing in things]
    with tqdm(total=sum(sizes), desc=str(root), unit="B", unit_scale=True, disable=None) as bar:
        for thing, size in zip(things, sizes, strict=True):
            try:
                found += _faults(thing, Path(store) if store else None, access or Access())
            except FileNotFoundError:
                pass  # A run that goes on meanwhile may remove it.
            except OSError as error:
                found.append(_unread(thing, error))
            bar.update(size)
    return found


def _things(root: Path, closed: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """Files, and folders that are made as one; `closed` is told of folders that cannot be listed."""
    for place, folders, files in os.walk(root, onerror=closed):
        folder = Path(place)
        if FINGERPRINT in files:
            folders.clear()
            yield folder
            continue
        folders[:] = [name for name in folders if not _passed_over(folder / name)]
        for link in filter(Path.is_symlink, (folder / name for name in folders)):
            # Studies and the store may lie on another file system. Links elsewhere may lead to what is not ours.
            if folder != RESULTS:
                yield link
            elif not link.resolve().is_relative_to(RESULTS.resolve()):
                yield from _things(link, closed)
        sealed = (folder / name for name in files if name.endswith(_SEALED))
        yield from (path for path in sealed if not _passed_over(path))


def _passed_over(path: Path) -> bool:
    """What is hidden is being written, and what was moved aside is known; trainings and downloads will go on."""
    name = path.name
    unfinished = name.endswith(f".parquet{PARTIAL}") or (
        name == SCRATCH and path.parent.name.startswith("seed-")
    )
    return unfinished or name.startswith(".") or checksums.ASIDE in name


def _size(thing: Path) -> int:
    files = thing.rglob("*") if thing.is_dir() else [thing]
    try:
        return sum(file.stat().st_size for file in files)
    except FileNotFoundError:
        return 0


def _faults(thing: Path, store: Path | None, access: Access) -> Iterator[Finding]:
    if thing.is_symlink() and thing.is_dir():
        yield Finding(thing, "a link to a folder, not followed; verify what it leads to by itself", None)
        return
    if thing.is_dir():
        yield from (Finding(path, reason, thing) for path, reason in _folder_faults(thing))
        return
    if store and thing.parent.parent == store:
        yield from _shard_faults(thing, access)
    elif reason := checksums.flaw(thing.read_bytes(), thing.suffix):
        yield Finding(thing, reason, thing)
    elif thing.name.endswith(MANIFEST):
        yield from _table_faults(thing)


def _folder_faults(folder: Path) -> Iterator[tuple[Path, str]]:
    """What differs from the list that was written when the folder was made."""
    record = folder / FINGERPRINT
    content = record.read_bytes()
    if reason := checksums.flaw(content, ".json"):
        yield record, reason
        return
    listed = json.loads(content).get("files", {})
    if not listed:
        yield record, "lists no files"
    yield from differing(folder, listed)
    for path in sorted(folder.glob("*.json")):
        # Written after the list: whom a defence keeps out of a merge.
        if (
            path.name not in listed
            and path != record
            and (reason := checksums.flaw(path.read_bytes(), ".json"))
        ):
            yield path, reason


def _table_faults(manifest: Path) -> Iterator[Finding]:
    """Tables that are not what their manifest says."""
    for name, digest in json.loads(manifest.read_bytes())["outputs"].items():
        path = manifest.parent / name
        if path.is_file() and hash_file(path) != digest:
            yield Finding(path, "checksum differs from its manifest's", path)


def _shard_faults(path: Path, access: Access) -> Iterator[Finding]:
    """A shard that is damaged; one that is somebody else's is refused, and may be whole."""
    try:
        answer_cache_shard.load(path, access)
    except ValueError as error:
        yield Finding(path, " ".join(str(error).split()), path)
    except StudyError as error:
        yield Finding(path, str(error).removeprefix(f"{path}: "), None)


def _unread(path: Path, error: OSError) -> Finding:
    return Finding(path, f"cannot be read ({error.strerror})", None)


def main() -> int:
    """Print a line per file that is damaged or cannot be checked; 1 if there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="*", default=[], help="the study's files; default is all results")
    parser.add_argument("--move", action="store_true", help="move what is damaged aside")
    arguments = parser.parse_args()
    if arguments.move:
        _refuse_company()
    config = read_configs(arguments.config)
    store = Path(config.get("store", STORE))
    access = Access.of(config.get("store_group"))
    roots = [RESULTS / config["study"], store] if "study" in config else [RESULTS]
    if not any(True for _ in _things(roots[0])):
        raise StudyError(f"{roots[0]}: there is nothing here to verify; run the study first")
    found = [finding for root in roots for finding in verify(root, store, access)]
    for finding in found:
        print(_line(finding, arguments.move))
    for model in _models(found):
        print(
            f"{model}: answers given by its damaged weights may be in {store}, where the model made again would find "
            f"them; remove {store} before you run the study again (docs/integrity.md)"
        )
    damaged = sum(finding.whole is not None for finding in found)
    if damaged:
        again = "Run the study again" if arguments.move else "Move it aside and run the study again"
        print(f"{damaged} damaged. {again}: what is missing is made again where something needs it.")
    if damaged < len(found):
        print(
            f"{len(found) - damaged} not checked, and not moved. Of a store that a group shares, give a "
            "study that names the group (CONFIG=...)."
        )
    if not found:
        print(f"{' and '.join(map(str, roots))}: nothing is damaged")
    return int(bool(found))


def _refuse_company() -> None:
    """Refuse to move anything while a run may be reading it: Snakemake locks the folder it works in.

    Raises:
        StudyError: in one line, with the fix.
    """
    if any(Path(".snakemake/locks").glob("*.lock")):
        raise StudyError(
            "Snakemake is running in this folder and may be reading what is damaged: wait until it has ended; "
            "if it was killed, `snakemake --unlock`"
        )


def _models(found: list[Finding]) -> list[Path]:
    """The folders whose weights are damaged. Loading checks their length alone, so they may have been used."""
    weights = (one for one in found if one.path.suffix == ".safetensors" and one.reason != MISSING)
    return sorted({one.whole for one in weights if one.whole and one.whole != one.path})


def _line(finding: Finding, move: bool) -> str:
    """What is said of a finding, after it is moved aside if it is damaged and `move` asks for that."""
    if finding.whole is None:
        return f"{finding.path}: {finding.reason}"
    if move:
        try:
            mend = f"moved to {checksums.move_aside(finding.whole)}"
        except OSError as error:
            mend = f"{finding.whole} cannot be moved aside ({error.strerror}); have its owner remove it"
    else:
        mend = f"make verify MOVE=1 moves {finding.whole} aside"
    return f"{finding.path}: damaged ({finding.reason}); {mend}"


if __name__ == "__main__":
    run_command(main)
