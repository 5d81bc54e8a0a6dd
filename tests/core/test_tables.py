"""Tables and JSON files come back as they were, or are named and moved aside."""

import errno
import os
import subprocess
import sys
from itertools import product

import pyarrow as pa
import pytest

from amongus.core import tables
from amongus.core.atomic import whole_directory
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, read_record, write_json
from amongus.core.tables import SCORES, read_table, write_table
from checkout import ROOT
from damage import harm

ROWS = {"id": ["a", "b"], "score": [1.0, float("nan")], "reason": ["", "why"]}


def test_a_table_comes_back_as_it_was_with_the_same_bytes_each_time(tmp_path):
    for name in ("deep/one", "two"):
        write_table(tmp_path / name, ROWS, SCORES)
    assert (tmp_path / "deep" / "one").read_bytes() == (tmp_path / "two").read_bytes()
    rows = read_table(tmp_path / "two", SCORES).to_pylist()
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["score"] == 1.0 and rows[1]["score"] != rows[1]["score"]


def test_lone_surrogates_do_not_stop_a_write(tmp_path):
    write_table(tmp_path / "x", {"id": ["a"], "score": [0.0], "reason": ["\ud800!"]}, SCORES)
    assert read_table(tmp_path / "x", SCORES)["reason"].to_pylist() == ["?!"]
    write_json(tmp_path / "x.json", ["\ud800!"])
    assert read_json(tmp_path / "x.json") == ["?!"]


SCHEMAS = [value for value in vars(tables).values() if isinstance(value, pa.Schema)]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("damage", ["truncated", "empty"])
def test_every_kind_of_table_is_moved_aside_when_it_is_damaged(tmp_path, schema, damage):
    path = tmp_path / "x.parquet"
    write_table(path, {name: [] for name in schema.names}, schema)
    assert read_table(path, schema).num_rows == 0
    harm(path, damage)
    with pytest.raises(StudyError, match=r"x\.parquet: damaged \(.*\); moved to .*x\.parquet\.damaged; run"):
        read_table(path, schema)
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet.damaged"]
    with pytest.raises(StudyError, match=r"x\.parquet: was damaged and moved to .*\.damaged; run again"):
        read_table(path, schema)


def test_no_flipped_or_missing_byte_changes_what_is_read(tmp_path):
    """Every byte: in the pages their checksums see it, in the footer it is an error or of no consequence."""
    path = tmp_path / "x.parquet"
    write_table(path, {"id": ["a", "b"], "score": [0.5, 1.0], "reason": ["why", "why not"]}, SCORES)
    expected, whole = read_table(path, SCORES), path.read_bytes()
    seen = 0
    for place, bit in product(range(len(whole)), (1, 4, 64)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            assert read_table(path, SCORES) == expected, place
        except StudyError as error:
            assert "damaged (" in str(error) and "\n" not in str(error)
            seen += 1
    assert seen > 3 * len(whole) / 2
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(StudyError, match="damaged"):
            read_table(path, SCORES)


def test_missing_columns_and_files_are_named(tmp_path):
    write_table(tmp_path / "y", {"id": ["a"]}, pa.schema([("id", pa.string())]))
    with pytest.raises(StudyError, match="columns missing: score, reason"):
        read_table(tmp_path / "y", SCORES)
    with pytest.raises(StudyError, match="no such file"):
        read_table(tmp_path / "z", SCORES)


def test_tables_are_read_without_threads(tmp_path):
    """Arrow's would abort the interpreter where they outlive it."""
    rows = {"id": [str(n) for n in range(5000)], "score": [0.5] * 5000, "reason": [""] * 5000}
    write_table(tmp_path / "x.parquet", rows, SCORES)
    code = """
import os, sys
sys.path.insert(0, sys.argv[1])
from amongus.core import tables
from amongus.report import scores
before = len(os.listdir("/proc/self/task"))
frame = scores.read_long([sys.argv[2]] * 3, [{"seed": 1}] * 3, tables.SCORES, ["seed"], ["id", "score"])
print(len(frame), len(os.listdir("/proc/self/task")) - before)
"""
    shown = subprocess.run(
        [sys.executable, "-c", code, ROOT / "workflow" / "scripts", tmp_path / "x.parquet"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.split() == ["15000", "0"]


@pytest.mark.parametrize("damage", ["truncated", "empty"])
def test_json_that_is_damaged_is_moved_aside_and_that_of_others_stays(tmp_path, damage):
    write_json(tmp_path / "x.json", {"name": "m"})
    harm(tmp_path / "x.json", damage)
    with pytest.raises(StudyError, match=r"x\.json: not JSON"):
        read_json(tmp_path / "x.json", ours=False)
    with pytest.raises(StudyError, match=r"x\.json: damaged \(.*moved to .*; run again"):
        read_json(tmp_path / "x.json")
    assert [file.name for file in tmp_path.iterdir()] == ["x.json.damaged"]


def test_a_record_takes_its_folder_with_it_and_an_older_one_is_kept(tmp_path):
    for _ in range(2):
        with whole_directory(tmp_path / "model") as folder:
            write_json(folder / "record.json", {"a": 1})
        harm(tmp_path / "model" / "record.json", "truncated")
        with pytest.raises(StudyError, match=r"record\.json: damaged .*model\.damaged"):
            read_record(tmp_path / "model", "record.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.damaged", "model.damaged.2"]
    with pytest.raises(StudyError, match="was damaged and moved to"):
        read_record(tmp_path / "model", "record.json")


def test_what_may_not_be_moved_aside_is_one_line(tmp_path, monkeypatch):
    def closed(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "x.json").write_text("{")
    monkeypatch.setattr(os, "replace", closed)
    with pytest.raises(StudyError, match=r"x\.json: damaged \(.*cannot be moved aside \(Permission denied\)"):
        read_json(tmp_path / "x.json")
