"""The hashes that a hub knows its files by: sha256 of the large ones (LFS), git's sha1 of the others."""

import hashlib
from pathlib import Path

from amongus.core.errors import StudyError
from amongus.hub.repository import Entry

_CHUNK = 1 << 22  # bytes


def check_content(where: str, path: Path, entry: Entry, mend: str = "run again") -> None:
    """Check the file `path` against its entry.

    Raises:
        StudyError: its size or hash differs, or no hash is known; the line begins with `where` and ends with `mend`.
    """
    size = path.stat().st_size
    if size != entry.size:
        raise StudyError(f"{where}: {size:,} bytes instead of {entry.size:,}; {mend}")
    if entry.sha256:
        kind, wanted, hashed = "sha256", entry.sha256, hashlib.sha256()
    elif entry.blob:
        kind, wanted, hashed = "git's sha1", entry.blob, hashlib.sha1(b"blob %d\0" % size)
    else:
        raise StudyError(
            f"{where}: the hub gives no hash of it, so it cannot be checked; give another repository"
        )
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    if hashed.hexdigest() != wanted.lower():
        raise StudyError(
            f"{where}: {kind} differs: the hub says {wanted}, the file has {hashed.hexdigest()}; {mend}"
        )
