"""JSON files, written whole and in one canonical form."""

import json
from pathlib import Path
from typing import Any

from amongus.core.atomic import write_text
from amongus.core.damage import damaged, read_bytes
from amongus.core.errors import StudyError


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as canonical, readable JSON (sorted keys, one space of indent), whole or not at all."""
    write_text(path, json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path, part_of: str | Path | None = None, ours: bool = True) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        part_of: the folder that is made as one and holds the file: it is moved aside whole.
        ours: whether the workflow made the file, and can make it again; what others made is never moved.

    Raises:
        StudyError: the file is missing, or is not JSON and, if it is ours, now moved aside.
    """
    try:
        return json.loads(read_bytes(path, part_of))
    except ValueError as error:
        if ours:
            raise damaged(path, f"not JSON: {error}", part_of) from None
        raise StudyError(f"{path}: not JSON ({error}); get the file again") from None


def read_record(folder: str | Path, name: str) -> Any:
    """Read the JSON file `name` of a folder that is made as one; if it is damaged, all of the folder is moved aside."""
    return read_json(Path(folder) / name, part_of=folder)
