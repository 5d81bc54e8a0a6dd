"""Tables on disk: parquet files of a declared schema, each whole or absent, or seen to be damaged."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from amongus.core.atomic import whole_file
from amongus.core.damage import damaged, read_bytes

QUESTIONS = pa.schema([("id", pa.string()), ("prompt", pa.string()), ("item", pa.string()), ("metric", pa.string())])
CONVERSATIONS = pa.schema(
    [("id", pa.string()), ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))]
)
RESPONSES = pa.schema(
    [("id", pa.string()), ("text", pa.string()), ("n_tokens", pa.int32()), ("stop_reason", pa.string())]
)
SCORES = pa.schema([("id", pa.string()), ("score", pa.float64()), ("reason", pa.string())])
RUN_SCORES = pa.schema([("defence", pa.string()), *SCORES])
REWARDS = pa.schema([("id", pa.string()), ("reward", pa.float64())])
VERDICTS = pa.schema([("id", pa.string()), ("verdict", pa.float64()), ("readable", pa.bool_())])
RANKINGS = pa.schema(
    [("id", pa.string()), ("member", pa.string()), ("verdict", pa.float64()), ("readable", pa.bool_())]
)
RUNS = pa.schema(
    [
        ("defence", pa.string()),
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
        ("defence", pa.string()),
        ("id", pa.string()),
        ("round", pa.int32()),
        ("member", pa.string()),
        ("role", pa.string()),
        ("text", pa.string()),
    ]
)

UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What reading the bytes of a damaged parquet raises."""


def write_table(path: str | Path, columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> None:
    """Write a parquet file of `schema`, whole or not at all. Lone surrogates in text become U+FFFD."""
    arrays = [pa.array(_encodable(columns[field.name], field.type), field.type) for field in schema]
    content = parquet_bytes(pa.Table.from_arrays(arrays, schema=schema))
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def read_table(path: str | Path, schema: pa.Schema | None = None) -> pa.Table:
    """Read a parquet file written by `write_table` and check it against `schema`.

    Raises:
        StudyError: the file is missing, or lacks a column or is damaged, and is now moved aside; the line names the file.
    """
    content = read_bytes(path)
    try:
        table = parquet_table(content)
        if schema is None:
            return table
        if missing := [name for name in schema.names if name not in table.schema.names]:
            raise damaged(path, f"columns missing: {', '.join(missing)}")
        return table.select(schema.names).cast(schema)
    except MemoryError:
        raise  # Says nothing about the file, and is one of Arrow's exceptions.
    except UNREADABLE as error:
        raise damaged(path, error) from None


def parquet_table(content: bytes) -> pa.Table:
    """The table of a parquet file's bytes, with its pages' checksums checked; read without threads.

    Arrow's threads, where they still run as the interpreter ends, abort it (apache/arrow issue 34314).

    Raises:
        UNREADABLE: the bytes are no parquet, or damaged.
    """
    file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
    table = file.read(use_threads=False)
    # The one number outside of the pages that a flipped bit changes without an error.
    if table.num_rows != file.metadata.num_rows:
        raise pa.ArrowInvalid(f"{table.num_rows} rows of {file.metadata.num_rows}")
    return table


def parquet_bytes(table: pa.Table) -> bytes:
    """The bytes of a parquet file with checksums of its pages, the same for the same table."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", write_page_checksum=True)
    return file.getvalue()


def _encodable(values: Sequence[Any], kind: pa.DataType) -> Sequence[Any]:
    if not pa.types.is_string(kind):
        return values
    return [v if v is None else v.encode("utf-8", "replace").decode("utf-8") for v in values]
