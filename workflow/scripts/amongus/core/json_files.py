"""JSON files: written whole, in one canonical form, and seen to be damaged."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amongus.core import checksums
from amongus.core.atomic import whole_file
from amongus.core.errors import StudyError


def write_json(path: str | Path, value: object, sealed: bool = True) -> None:
    """Write `value` as canonical, readable JSON (sorted keys, one space of indent), whole or not at all.

    Args:
        path: the file.
        value: a JSON value; a mapping without the key `sha256` if it is sealed.
        sealed: add the file's checksum under that key. False for files that other programs know all keys of.
    """
    if sealed:
        if not isinstance(value, Mapping) or checksums.KEY in value:
            raise ValueError(f"{path}: only an object without the key '{checksums.KEY}' can be sealed")
        value = {**value, checksums.KEY: checksums.BLANK}
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    content = text.encode("utf-8", "replace")
    with whole_file(path) as temporary:
        temporary.write_bytes(checksums.sealed(content, ".json") if sealed else content)


def read_json(path: str | Path, sealed: bool = True, part_of: str | Path | None = None) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        sealed: whether `write_json` has sealed it; the seal is checked and left out. False for others' files.
        part_of: the folder that is made as one and holds the file: it is moved aside whole.

    Raises:
        StudyError: the file is missing, not JSON, or damaged and now moved aside; the line names the file.
    """
    try:
        content = checksums.read_sealed(path, ".json", part_of) if sealed else Path(path).read_bytes()
        value = json.loads(content)
    except FileNotFoundError:
        raise checksums.missing(Path(path), part_of) from None
    except ValueError as error:
        raise StudyError(f"{path}: not JSON ({error}); delete it and run again") from None
    if sealed:
        del value[checksums.KEY]
    return value


def read_record(folder: str | Path, name: str) -> Any:
    """Read the JSON file `name` of a folder that is made as one; if it is damaged, all of the folder is moved aside."""
    return read_json(Path(folder) / name, part_of=folder)
