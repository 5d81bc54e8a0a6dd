"""Tables and texts on disk: a declared schema, and each file whole or absent, or seen to be damaged."""

import io
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from amongus.core import checksums
from amongus.core.errors import StudyError, full_disk_named

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

_log = logging.getLogger(__name__)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success sync it and rename it into place, else remove it.

    Raises:
        StudyError: the disk is full.
    """
    path = Path(path)
    with full_disk_named(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            sync(temporary)
            # mkstemp makes files private; results follow the umask as any other file does.
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; on success it replaces `path`, else it is removed.

    Where Slurm loses sight of a job, it starts a second copy: the last to begin is the one that makes `path`. If that is
    done when this one ends, however it ends, its folder is taken for ours: Snakemake removes what a failed job was to make.

    Raises:
        StudyError: the disk is full, or another job has begun to make `path` and is not done.
    """
    path = Path(path)
    with full_disk_named(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        # Open, so that no other folder can be taken for it.
        opened = os.open(temporary, os.O_RDONLY)
        try:
            _sweep(path, temporary)
            yield temporary
            for file in temporary.rglob("*"):
                sync(file)
            if not _same(opened, temporary):
                raise StudyError(f"{path}: another job has begun to make it after this one, which gives way")
            os.chmod(temporary, 0o777 & ~_umask())
            if path.exists():
                shutil.rmtree(path)
            os.replace(temporary, path)
            sync(path.parent)
        except Exception as error:
            if _same(opened, temporary) or _same(opened, path) or not path.exists():
                raise
            _log.warning("%s: another copy of this job has made it (here: %s)", path, error)
        finally:
            os.close(opened)
            shutil.rmtree(temporary, ignore_errors=True)


def _sweep(path: Path, kept: Path) -> None:
    """Remove what earlier jobs that made `path` left beside it: all such folders but `kept`.

    They were killed; or Slurm has lost sight of one, which runs on. So that it finds its folder gone and not half
    empty, the folder is moved away before it is emptied.
    """
    for litter in path.parent.glob(f".{path.name}.????????"):
        if litter != kept:
            away = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            # Its job may be done at this moment.
            with suppress(FileNotFoundError):
                litter.rename(away)
            shutil.rmtree(away, ignore_errors=True)


def _same(opened: int, folder: Path) -> bool:
    """Whether `folder` is still the one that was `opened` when it was made."""
    try:
        return os.path.samestat(os.fstat(opened), os.stat(folder))
    except OSError:
        return False


def write_table(path: str | Path, columns: Mapping[str, Sequence[Any]] | pa.Table, schema: pa.Schema) -> None:
    """Write a parquet file of `schema`, whole or not at all. Lone surrogates in text become U+FFFD."""
    if isinstance(columns, pa.Table):
        table = columns.select(schema.names).cast(schema)
    else:
        arrays = [pa.array(_encodable(columns[field.name], field.type), field.type) for field in schema]
        table = pa.Table.from_arrays(arrays, schema=schema)
    content = parquet_bytes(table)
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def read_table(path: str | Path, schema: pa.Schema | None = None) -> pa.Table:
    """Read a parquet file written by `write_table` and check it against `schema`.

    Raises:
        StudyError: the file is missing, lacks a column, or is damaged and now moved aside; the line names the file.
    """
    content = checksums.read_sealed(path, ".parquet")
    try:
        table = parquet_table(content)
    except pa.ArrowInvalid as error:
        raise StudyError(
            f"{path}: not a parquet that can be read ({error}); delete it and run again"
        ) from None
    if schema is None:
        return table
    missing = [name for name in schema.names if name not in table.schema.names]
    if missing:
        raise StudyError(
            f"{path}: columns missing: {', '.join(missing)}; delete {path} and run again, it will be remade"
        )
    return table.select(schema.names).cast(schema)


def parquet_table(content: bytes) -> pa.Table:
    """The table of a parquet file's bytes, read without threads.

    Arrow's threads, where they still run as the interpreter ends, abort it (apache/arrow issue 34314).
    """
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


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


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")


def parquet_bytes(table: pa.Table) -> bytes:
    """The bytes of a sealed parquet file, the same for the same table."""
    file = io.BytesIO()
    with pq.ParquetWriter(file, table.schema, compression="zstd") as writer:
        writer.write_table(table)
        # In the footer only: metadata of the schema would be written twice.
        writer.add_key_value_metadata({checksums.PARQUET_KEY: checksums.BLANK})
    return checksums.sealed(file.getvalue(), ".parquet")


def _encodable(values: Sequence[Any], kind: pa.DataType) -> Sequence[Any]:
    if not pa.types.is_string(kind):
        return values
    return [v if v is None else v.encode("utf-8", "replace").decode("utf-8") for v in values]


def sync(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, reach the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
