"""Checksums of what jobs make: a file beside each job's log lists the sha256 of all its outputs.

Parquet pages carry checksums of their own, which are checked on every read (`amongus.core.tables`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from amongus.core.atomic import write_text
from amongus.core.errors import StudyError

FINGERPRINT = "fingerprint.json"
"""The record of a folder that is made as one: the sha256 of its files and, of a model, its fingerprint."""
SUMS = "checksums"
"""The folder of the lists, in a study's folder and in each of its seeds'."""


def hash_file(path: str | Path) -> str:
    """The sha256 (hex) of a file's bytes, however large it is."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sums_path(log: str | Path) -> Path:
    """Where the checksums of a job's outputs are, by the name of its log.

    >>> str(sums_path("results/demo/seed-1/logs/train/base.log"))
    'results/demo/seed-1/checksums/train/base.sha256'
    """
    before, _, job = Path(log).as_posix().rpartition("/logs/")
    return Path(before, SUMS, job).with_suffix(".sha256")


def write_sums(path: str | Path, outputs: Iterable[str]) -> None:
    """Write the checksums of a job's outputs, with all files of its folders, as `sha256sum -c` reads them.

    `outputs` are relative to the folder that `sha256sum -c` is to run in.
    """
    sums = {file: digest for output in outputs for file, digest in _hashed(Path(output))}
    write_text(path, "".join(f"{digest}  {file}\n" for file, digest in sorted(sums.items())))


def read_sums(study: str | Path) -> dict[Path, str]:
    """The sha256 of every file that a study's jobs have made, as far as it is listed.

    Of a file that two jobs list, say before and after a change of the config, the later list counts.

    Raises:
        StudyError: a list is damaged.
    """
    lists = [path for home in ("", "seed-*/") for path in Path(study).glob(f"{home}{SUMS}/**/*.sha256")]
    sums = {}
    for path in sorted(lists, key=lambda path: path.stat().st_mtime):
        for line in filter(None, path.read_text(encoding="utf-8", errors="replace").split("\n")):
            digest, separator, file = line.partition("  ")
            if not separator:
                raise StudyError(f"{path}: damaged list of checksums; remove it, what it lists is then not checked")
            sums[Path(file)] = digest
    return sums


def _hashed(output: Path) -> Iterator[tuple[str, str]]:
    """The files of an output and their checksums; not computed again where the folder's own record has them."""
    record = output / FINGERPRINT
    known = json.loads(record.read_bytes())["files"] if record.exists() else {}
    for file in sorted(output.rglob("*")) if output.is_dir() else [output]:
        if file.is_file():
            name = file.relative_to(output).as_posix()
            yield file.as_posix(), known.get(name) or hash_file(file)
