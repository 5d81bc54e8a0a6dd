"""Tables and texts on disk: a declared schema, and each file whole or absent."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from amongus.errors import StudyError

QUESTIONS = pa.schema(
    [("id", pa.string()), ("prompt", pa.string()), ("item", pa.string()), ("metric", pa.string())]
)
CONVERSATIONS = pa.schema(
    [
        ("id", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ]
)
RESPONSES = pa.schema(
    [("id", pa.string()), ("text", pa.string()), ("n_tokens", pa.int32()), ("finish", pa.string())]
)
SCORES = pa.schema([("id", pa.string()), ("score", pa.float64()), ("reason", pa.string())])
REWARDS = pa.schema([("id", pa.string()), ("reward", pa.float64())])
VERDICTS = pa.schema([("id", pa.string()), ("verdict", pa.float64()), ("readable", pa.bool_())])
RANKINGS = pa.schema(
    [("id", pa.string()), ("member", pa.string()), ("verdict", pa.float64()), ("readable", pa.bool_())]
)
RUNS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("chosen", pa.string()),
        ("masked", pa.string()),
        ("candidates", pa.list_(pa.string())),
        ("unreadable", pa.bool_()),
    ]
)
TRANSCRIPTS = pa.schema(
    [
        ("id", pa.string()),
        ("round", pa.int32()),
        ("member", pa.string()),
        ("role", pa.string()),
        ("text", pa.string()),
    ]
)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success sync it and rename it into place, else remove it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        # mkstemp makes files private; results follow the umask as any other file does.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; on success it replaces `path`, else it is removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # One job makes a folder at a time, so what lies here under its name is a killed job's.
    for litter in path.parent.glob(f".{path.name}.????????"):
        shutil.rmtree(litter, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _sync(file)
        os.chmod(temporary, 0o777 & ~_umask())
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_table(path: str | Path, columns: Mapping[str, Sequence[Any]] | pa.Table, schema: pa.Schema) -> None:
    """Write a parquet file of `schema`, whole or not at all. Lone surrogates in text become U+FFFD."""
    if isinstance(columns, pa.Table):
        table = columns.select(schema.names).cast(schema)
    else:
        arrays = [pa.array(_encodable(columns[field.name], field.type), field.type) for field in schema]
        table = pa.Table.from_arrays(arrays, schema=schema)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(path: str | Path, schema: pa.Schema | None = None) -> pa.Table:
    """Read a parquet file and check it against `schema`.

    Raises:
        StudyError: the file is missing, damaged, or lacks a column; the line names the file.
    """
    mend = f"delete {path} and run again, it will be remade"
    try:
        # A handle keeps pyarrow from reading columns out of folder names such as `seed=1`.
        with open(path, "rb") as handle:
            table = pq.read_table(handle)
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file; run the rule that makes it") from None
    except (OSError, pa.ArrowException) as error:
        raise StudyError(f"{path}: damaged parquet ({error}); {mend}") from None
    if schema is None:
        return table
    missing = [name for name in schema.names if name not in table.schema.names]
    if missing:
        raise StudyError(f"{path}: columns missing: {', '.join(missing)}; {mend}")
    return table.select(schema.names).cast(schema)


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as canonical, readable JSON (sorted keys, one space of indent), whole or not at all."""
    write_text(path, json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        StudyError: the file is missing or not JSON; the line names the file.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file; run the rule that makes it") from None
    except ValueError as error:
        raise StudyError(f"{path}: not JSON ({error}); delete it and run again") from None


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")


def _encodable(values: Sequence[Any], kind: pa.DataType) -> Sequence[Any]:
    if not pa.types.is_string(kind):
        return values
    return [v if v is None else v.encode("utf-8", "replace").decode("utf-8") for v in values]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
