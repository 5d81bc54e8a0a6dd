"""Seals: every file made here carries its own sha256, so that damage is seen when the file is read.

The digest is of the file's own bytes, read with zeros in the digest's place. It stands where readers of the format
keep what they do not know: in a parquet's footer, as a JSON object's last word on itself (a key), in a safetensors'
metadata. So every byte is covered, there is no second file to lose, the same content still has the same bytes, and
pandas, `datasets` and JSON tools read on as before. (Parquet's own page checksums leave out headers and footer.)

Damaged files are moved aside, to `….damaged`: the next invocation of the workflow finds them missing and makes them
again.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from amongus.core.atomic import write_text
from amongus.core.errors import StudyError

FINGERPRINT = "fingerprint.json"
"""The record of a folder that is made as one: the sha256 of its files and, of a model, its fingerprint."""
KEY = "sha256"
"""The key of the seal in a JSON object."""
PARQUET_KEY = "file_sha256"
"""The key of the seal in a parquet's or safetensors' metadata."""
BLANK = "0" * 64
"""What stands in the seal's place while the digest is computed."""
ASIDE = ".damaged"
UNSEALED = "no checksum"
"""The flaw of a file that was not written here, or lost its end."""

# What stands before the digest: for parquet the lengths that its footer encodes strings with, for JSON a key of the
# outermost object (deeper ones are indented further, and texts have no line breaks).
_MARKS = {
    ".parquet": b"\x18" + bytes([len(PARQUET_KEY)]) + PARQUET_KEY.encode() + b"\x18" + bytes([len(BLANK)]),
    ".json": f'\n "{KEY}": "'.encode(),
    ".safetensors": f'"{PARQUET_KEY}":"'.encode(),
}


def hash_file(path: str | Path) -> str:
    """The sha256 (hex) of a file's bytes, however large it is."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sums_path(log: str | Path) -> Path:
    """Where the checksums of a job's outputs are: as its log, in `checksums/` instead of `logs/`.

    >>> str(sums_path("results/demo/seed-1/logs/train/base.log"))
    'results/demo/seed-1/checksums/train/base.sha256'
    """
    before, _, job = Path(log).as_posix().rpartition("/logs/")
    return Path(before, "checksums", job).with_suffix(".sha256")


def write_sums(path: str | Path, outputs: Iterable[str]) -> None:
    """Write the checksums of a job's outputs, with all files of its folders, as `sha256sum -c` reads them.

    Args:
        path: the file to write.
        outputs: files and folders, relative to the folder that `sha256sum -c` is to run in.
    """
    sums = {file: digest for output in outputs for file, digest in _hashed(Path(output))}
    write_text(path, "".join(f"{digest}  {file}\n" for file, digest in sorted(sums.items())))


def _hashed(output: Path) -> Iterator[tuple[str, str]]:
    """The files of an output and their checksums; not computed again where the folder's own record has them."""
    record = output / FINGERPRINT
    known = json.loads(record.read_bytes())["files"] if record.exists() else {}
    for file in sorted(output.rglob("*")) if output.is_dir() else [output]:
        if file.is_file():
            name = file.relative_to(output).as_posix()
            yield file.as_posix(), known.get(name) or hash_file(file)


def sealed(content: bytes, kind: str) -> bytes:
    """`content` with its digest in the place that `BLANK` holds.

    Args:
        content: a whole file.
        kind: .parquet, .json or .safetensors.
    """
    start = _place(content, kind)
    end = start + len(BLANK)
    if content[start:end] != BLANK.encode():
        raise ValueError(f"no place for a seal in this {kind}")
    return content[:start] + hashlib.sha256(content).hexdigest().encode() + content[end:]


def flaw(content: bytes, kind: str) -> str | None:
    """Why a sealed file's bytes cannot be trusted; None if they are as they were written."""
    if not content:
        return "empty file"
    start = _place(content, kind)
    if start < 0:
        return UNSEALED
    end = start + len(BLANK)
    whole = hashlib.sha256(content[:start])
    whole.update(BLANK.encode())
    whole.update(content[end:])
    return None if whole.hexdigest().encode() == content[start:end] else "checksum differs"


def read_sealed(path: str | Path, kind: str | None = None, part_of: str | Path | None = None) -> bytes:
    """The bytes of a file as they were written.

    Args:
        path: the file.
        kind: .parquet, .json or .safetensors; by the file's name if None.
        part_of: the folder that is made as one and holds the file: it is moved aside whole.

    Raises:
        StudyError: the file is missing, or damaged and now moved aside; the line names the file and the mend.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise missing(path, part_of) from None
    except OSError as error:
        raise unreadable(path, error) from None
    if reason := flaw(content, kind or path.suffix):
        raise damaged(path, reason, part_of)
    return content


def missing(path: Path, part_of: str | Path | None = None) -> StudyError:
    """The error that a file is not there, and why if that is known."""
    place = Path(part_of or path)
    aside = place.with_name(place.name + ASIDE)
    if aside.exists():
        return StudyError(f"{path}: was damaged and is now {aside}; run again, it will be remade")
    return StudyError(f"{path}: no such file; run the rule that makes it")


def unreadable(path: Path, error: OSError) -> StudyError:
    """The error that the system does not let a file be read, which says nothing about its bytes: it stays."""
    return StudyError(f"{path}: cannot be read ({error.strerror}); mend that and run again")


def damaged(path: Path, reason: object, part_of: str | Path | None = None) -> StudyError:
    """Move a damaged file, or the folder it is part of, aside, and return the error that says so."""
    try:
        aside = move_aside(part_of or path)
    except OSError as error:
        return StudyError(
            f"{path}: damaged ({reason}) and cannot be moved aside ({error.strerror}); remove {part_of or path}, or have "
            "its owner do it"
        )
    return StudyError(f"{path}: damaged ({reason}); moved to {aside}; run again, it will be remade")


def move_aside(path: str | Path) -> Path:
    """Rename a damaged file or folder to `….damaged`, in the place of an earlier one; returns the new name."""
    path = Path(path)
    aside = path.with_name(path.name + ASIDE)
    # Another job may have moved it already, or do so now.
    if os.path.lexists(path):
        with suppress(FileNotFoundError):
            if aside.is_dir():
                os.rename(aside, _free(aside))
            os.replace(path, aside)
    return aside


def seal_safetensors(path: str | Path) -> None:
    """Write the seal into the metadata of a safetensors file that has none."""
    content = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    # The metadata stands first, before any name a tensor could have.
    metadata = {PARQUET_KEY: BLANK, **header.pop("__metadata__", {})}
    whole = _safetensors({"__metadata__": metadata, **header}, content[8 + size :])
    Path(path).write_bytes(sealed(whole, ".safetensors"))


def unsealed_safetensors(content: bytes) -> bytes:
    """A safetensors file as it was before `seal_safetensors`: what it holds, whatever the form of its seal."""
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    metadata.pop(PARQUET_KEY, None)
    return _safetensors(({"__metadata__": metadata} if metadata else {}) | header, content[8 + size :])


def _safetensors(header: dict[str, Any], tensors: bytes) -> bytes:
    """A file of this header and the bytes of its tensors, laid out as the library does."""
    written = json.dumps(header, separators=(",", ":")).encode()
    written += b" " * (-len(written) % 8)
    return struct.pack("<Q", len(written)) + written + tensors


def _free(aside: Path) -> Path:
    """A name for a damaged folder of earlier: folders, unlike files, cannot be replaced."""
    number = 2
    while (other := aside.with_name(f"{aside.name}.{number}")).exists():
        number += 1
    return other


def _place(content: bytes, kind: str) -> int:
    """Where the digest begins; -1 if there is none. A footer comes last, a header first."""
    mark = _MARKS[kind]
    found = content.find(mark) if kind == ".safetensors" else content.rfind(mark)
    return found + len(mark) if found >= 0 else -1
