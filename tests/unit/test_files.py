"""Files are whole or absent, and damage is named."""

import json

import pytest

from amongus.errors import StudyError
from amongus.files import (
    SCORES,
    read_json,
    read_table,
    whole_directory,
    whole_file,
    write_json,
    write_table,
)


def test_a_table_comes_back_as_it_was(tmp_path):
    path = tmp_path / "deep" / "scores.parquet"
    write_table(path, {"id": ["a", "b"], "score": [1.0, float("nan")], "reason": ["", "why"]}, SCORES)
    rows = read_table(path, SCORES).to_pylist()
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["score"] == 1.0 and rows[1]["score"] != rows[1]["score"]


def test_the_same_table_has_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_table(tmp_path / name, {"id": ["a"], "score": [0.5], "reason": [""]}, SCORES)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_lone_surrogates_do_not_stop_a_write(tmp_path):
    write_table(tmp_path / "x", {"id": ["a"], "score": [0.0], "reason": ["\ud800!"]}, SCORES)
    assert read_table(tmp_path / "x", SCORES)["reason"].to_pylist() == ["?!"]


def test_it_opens_in_pandas_and_datasets(tmp_path):
    import datasets
    import pandas

    path = tmp_path / "x.parquet"
    write_table(path, {"id": ["a"], "score": [0.25], "reason": [""]}, SCORES)
    assert pandas.read_parquet(path)["score"].tolist() == [0.25]
    loaded = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert loaded["id"][:] == ["a"]


@pytest.mark.parametrize("cut", [0, 10, -20])
def test_a_truncated_table_is_named(tmp_path, cut):
    path = tmp_path / "x.parquet"
    write_table(path, {"id": ["a"], "score": [0.25], "reason": [""]}, SCORES)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StudyError, match=r"x\.parquet: damaged parquet"):
        read_table(path, SCORES)


def test_missing_columns_are_named(tmp_path):
    write_json(tmp_path / "x", {})
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "y")
    with pytest.raises(StudyError, match="columns missing: score, reason"):
        read_table(tmp_path / "y", SCORES)
    with pytest.raises(StudyError, match="no such file"):
        read_table(tmp_path / "z", SCORES)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_replaces_the_old_one_only_when_whole(tmp_path):
    path = tmp_path / "model"
    with whole_directory(path) as folder:
        (folder / "old").write_text("1")
    with pytest.raises(RuntimeError), whole_directory(path) as folder:
        (folder / "new").write_text("2")
        raise RuntimeError
    assert [file.name for file in path.iterdir()] == ["old"]
    with whole_directory(path) as folder:
        (folder / "new").write_text("2")
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_broken_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(StudyError, match=r"x\.json: not JSON"):
        read_json(tmp_path / "x.json")
