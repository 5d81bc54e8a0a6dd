"""`make verify`: every checksum below results/, or of one study and its store; no model is loaded.

Checked are sealed files (parquet, JSON, steering vectors), folders with a `fingerprint.json` (models, adapters, routers,
merges: every file in them), the tables by the manifest beside them, and the shards of the store. Logs,
figures and reports carry no checksum.
"""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from amongus import seals, shards
from amongus.access import Access
from amongus.configs import STORE, read_configs
from amongus.errors import StudyError, run_command
from amongus.machine import at_work
from amongus.members import FINGERPRINT, differing, hash_file
from amongus.paths import PARTIAL, SCRATCH
from amongus.provenance import MANIFEST

_SEALED = (".parquet", ".json", ".safetensors")


@dataclass(frozen=True)
class Finding:
    """A damaged file, why it cannot be trusted, and what is moved aside for it: itself or the folder it is part of."""

    path: Path
    reason: str
    whole: Path


def verify(root: str | Path, store: str | Path | None = None, access: Access | None = None) -> list[Finding]:
    """What is damaged below `root`.

    Args:
        root: a study's results, or all of them.
        store: the store's folder; what lies in it are shards.
        access: who may write the store; its owner alone if None.
    """
    found: list[Finding] = []
    things = sorted(_things(Path(root)))
    sizes = [_size(thing) for thing in things]
    with tqdm(total=sum(sizes), desc=str(root), unit="B", unit_scale=True, disable=None) as bar:
        for thing, size in zip(things, sizes, strict=True):
            # A run that goes on meanwhile may remove it.
            with suppress(FileNotFoundError):
                found += _faults(thing, Path(store) if store else None, access or Access())
            bar.update(size)
    return found


def _things(root: Path) -> Iterator[Path]:
    """Files, and folders that are made as one."""
    for place, folders, files in os.walk(root):
        folder = Path(place)
        if FINGERPRINT in files:
            folders.clear()
            yield folder
            continue
        folders[:] = [name for name in folders if not _passed_over(folder / name)]
        sealed = (folder / name for name in files if name.endswith(_SEALED))
        yield from (path for path in sealed if not _passed_over(path))


def _passed_over(path: Path) -> bool:
    """What is hidden is being written, and what was moved aside is known; trainings and downloads will go on."""
    name = path.name
    unfinished = name.endswith(f".parquet{PARTIAL}") or (
        name == SCRATCH and path.parent.name.startswith("seed-")
    )
    return unfinished or name.startswith(".") or seals.ASIDE in name


def _size(thing: Path) -> int:
    files = thing.rglob("*") if thing.is_dir() else [thing]
    try:
        return sum(file.stat().st_size for file in files)
    except FileNotFoundError:
        return 0


def _faults(thing: Path, store: Path | None, access: Access) -> Iterator[Finding]:
    if thing.is_dir():
        yield from (Finding(path, reason, thing) for path, reason in _folder_faults(thing))
        return
    if store and thing.parent.parent == store:
        reason = _shard_flaw(thing, access)
    else:
        reason = seals.flaw(thing.read_bytes(), thing.suffix)
    if reason:
        yield Finding(thing, reason, thing)
    elif thing.name.endswith(MANIFEST):
        yield from _table_faults(thing)


def _folder_faults(folder: Path) -> Iterator[tuple[Path, str]]:
    """What differs from the list that was written when the folder was made."""
    record = folder / FINGERPRINT
    content = record.read_bytes()
    if reason := seals.flaw(content, ".json"):
        yield record, reason
        return
    listed = json.loads(content).get("files", {})
    if not listed:
        yield record, "lists no files"
    yield from differing(folder, listed)
    for path in sorted(folder.glob("*.json")):
        # Written after the list: whom a defence keeps out of a merge.
        if path.name not in listed and path != record and (reason := seals.flaw(path.read_bytes(), ".json")):
            yield path, reason


def _table_faults(manifest: Path) -> Iterator[Finding]:
    """Tables that are not what their manifest says."""
    for name, digest in json.loads(manifest.read_bytes())["outputs"].items():
        path = manifest.parent / name
        if path.is_file() and hash_file(path) != digest:
            yield Finding(path, "checksum differs from its manifest's", path)


def _shard_flaw(path: Path, access: Access) -> str | None:
    try:
        shards.load(path, access)
    except ValueError as error:
        return " ".join(str(error).split())
    except StudyError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def main() -> int:
    """Print a line per damaged file; 1 if there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="*", default=[], help="the study's files; default is all results")
    parser.add_argument("--move", action="store_true", help="move what is damaged aside")
    arguments = parser.parse_args()
    if arguments.move and at_work():
        raise StudyError(
            "a run is at work in this folder and may be reading what is damaged; let it end first"
        )
    config = read_configs(arguments.config)
    store = Path(config.get("store", STORE))
    access = Access.of(config.get("store_group"))
    roots = [Path("results", config["study"]), store] if "study" in config else [Path("results")]
    if not any(True for _ in _things(roots[0])):
        raise StudyError(f"{roots[0]}: there is nothing here to verify; run the study first")
    found = [finding for root in roots for finding in verify(root, store, access)]
    for finding in found:
        if arguments.move:
            mend = f"moved to {seals.move_aside(finding.whole)}"
        else:
            mend = f"make verify MOVE=1 moves {finding.whole} aside"
        print(f"{finding.path}: damaged ({finding.reason}); {mend}")
    if found:
        again = "Run the study again" if arguments.move else "Move it aside and run the study again"
        print(f"{len(found)} damaged. {again}: what is missing is made again where something needs it.")
    else:
        print(f"{' and '.join(map(str, roots))}: nothing is damaged")
    return int(bool(found))


if __name__ == "__main__":
    run_command(main)
