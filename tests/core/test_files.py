"""Files are whole or absent, and damage is named."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from amongus.core import atomic, checksums, tables
from amongus.core.atomic import whole_directory, whole_file
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, read_record, write_json
from amongus.core.tables import SCORES, read_table, write_table
from amongus.inference.answer_cache import Store
from checkout import ROOT
from damage import harm


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
    with pytest.raises(
        StudyError, match=r"x\.parquet: damaged \(.*\); moved to .*x\.parquet\.damaged; run again"
    ):
        read_table(path, SCORES)
    assert not path.exists() and path.with_name("x.parquet.damaged").exists()
    with pytest.raises(StudyError, match=r"x\.parquet: was damaged and is now .*\.damaged; run again"):
        read_table(path, SCORES)


def test_missing_columns_are_named(tmp_path):
    write_table(tmp_path / "y", {"id": ["a"]}, pa.schema([("id", pa.string())]))
    with pytest.raises(StudyError, match="columns missing: score, reason"):
        read_table(tmp_path / "y", SCORES)
    with pytest.raises(StudyError, match="no such file"):
        read_table(tmp_path / "z", SCORES)


def test_a_parquet_that_was_not_written_here_is_not_used(tmp_path):
    pq.write_table(pa.table({"id": ["a"], "score": [1.0], "reason": [""]}), tmp_path / "x")
    with pytest.raises(StudyError, match="no checksum"):
        read_table(tmp_path / "x", SCORES)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
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


@pytest.mark.parametrize("recreates", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_is_made_by_the_job_that_began_last(tmp_path, recreates, fails, caplog):
    path = tmp_path / "model"
    with whole_directory(path) as first:
        (first / "weights").write_text("1")
        with whole_directory(path) as second:
            assert not first.exists()
            if recreates:
                # As libraries do where they save.
                first.mkdir()
                (first / "config").write_text("1")
            (second / "weights").write_text("2")
        if fails:
            # For which Snakemake would remove what the other has made.
            raise RuntimeError("no such folder")
    assert [file.name for file in path.iterdir()] == ["weights"] and (path / "weights").read_text() == "2"
    assert list(tmp_path.iterdir()) == [path] and "another copy of this job has made it" in caplog.text


def test_a_failure_once_it_is_in_its_place_is_told(tmp_path, monkeypatch):
    def fail(path):
        if path == tmp_path:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(atomic, "sync", fail)
    with pytest.raises(OSError, match="Input/output"), whole_directory(tmp_path / "model") as folder:
        (folder / "weights").write_text("1")


def test_who_began_first_gives_way_while_the_other_is_at_work(tmp_path):
    path = tmp_path / "model"
    second = whole_directory(path)
    with pytest.raises(StudyError, match="another job has begun to make it"), whole_directory(path):
        made = second.__enter__()
    assert made.exists() and not path.exists()
    second.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == [path]


def test_broken_json_of_others_is_named_and_stays(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(StudyError, match=r"x\.json: not JSON"):
        read_json(tmp_path / "x.json", sealed=False)
    assert (tmp_path / "x.json").exists()


@pytest.mark.parametrize(
    "value", [{}, {"a": 1, "z": {"sha256": "0" * 64}}, {"a": '\n "sha256": "' + "0" * 64}]
)
def test_json_comes_back_as_it_was_and_any_tool_reads_it(tmp_path, value):
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value
    seen = json.loads((tmp_path / "x.json").read_text())
    assert len(seen.pop("sha256")) == 64 and seen == value


def test_what_cannot_be_sealed_is_a_mistake_of_ours(tmp_path):
    for value in ([1], {"sha256": "mine"}):
        with pytest.raises(ValueError, match="sealed"):
            write_json(tmp_path / "x.json", value)


def test_any_damaged_byte_is_seen(tmp_path):
    """Every byte of a parquet, a JSON and a safetensors, and every length."""
    write_table(tmp_path / "x.parquet", {"id": ["a"], "score": [0.25], "reason": ["why"]}, SCORES)
    write_json(tmp_path / "x.json", {"name": "m", "system": None, "list": [1, 2.5]})
    save_file({"v": np.arange(6, dtype=np.float32)}, tmp_path / "x.safetensors", metadata={"format": "pt"})
    checksums.seal_safetensors(tmp_path / "x.safetensors")
    assert safe_open(tmp_path / "x.safetensors", "np").get_tensor("v").tolist() == [0, 1, 2, 3, 4, 5]
    for path in tmp_path.iterdir():
        whole = path.read_bytes()
        assert checksums.flaw(whole, path.suffix) is None
        for place in range(len(whole)):
            flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
            assert checksums.flaw(flipped, path.suffix), (path, place)
            assert checksums.flaw(whole[:place], path.suffix), (path, place)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"z": "1", "a": "2"}])
def test_a_safetensors_without_its_seal_is_what_the_library_wrote(tmp_path, metadata):
    path = tmp_path / "x.safetensors"
    save_file({"v": np.arange(6, dtype=np.float32), "a": np.zeros((1, 3))}, path, metadata=metadata)
    written = path.read_bytes()
    checksums.seal_safetensors(path)
    assert path.read_bytes() != written
    assert checksums.unsealed_safetensors(path.read_bytes()) == written


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


SCHEMAS = [name for name, value in vars(tables).items() if isinstance(value, pa.Schema)]


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
def test_every_kind_of_table_is_moved_aside_when_it_is_damaged(tmp_path, name, damage):
    schema, path = getattr(tables, name), tmp_path / "x.parquet"
    empty = pa.Table.from_pylist([], schema)
    write_table(path, empty, schema)
    assert read_table(path, schema).num_rows == 0
    harm(path, damage)
    with pytest.raises(StudyError, match=r"x\.parquet: damaged .*moved to"):
        read_table(path, schema)
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet.damaged"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
def test_a_json_and_a_vector_are_moved_aside_when_they_are_damaged(tmp_path, damage):
    write_json(tmp_path / "x.json", {"name": "m", "rule": "train"})
    save_file({"v": np.arange(6, dtype=np.float32)}, tmp_path / "x.safetensors")
    checksums.seal_safetensors(tmp_path / "x.safetensors")
    for path, read in ((tmp_path / "x.json", read_json), (tmp_path / "x.safetensors", checksums.read_sealed)):
        read(path)
        harm(path, damage)
        with pytest.raises(StudyError, match=rf"{path.name}: damaged .*moved to .*; run again"):
            read(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.json.damaged", "x.safetensors.damaged"]


def test_a_record_takes_its_folder_with_it_and_an_older_one_is_kept(tmp_path):
    for _ in range(2):
        with whole_directory(tmp_path / "model") as folder:
            write_json(folder / "record.json", {"a": 1})
        harm(tmp_path / "model" / "record.json", "flipped")
        with pytest.raises(StudyError, match=r"record\.json: damaged .*model\.damaged"):
            read_record(tmp_path / "model", "record.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.damaged", "model.damaged.2"]
    with pytest.raises(StudyError, match="was damaged and is now"):
        read_record(tmp_path / "model", "record.json")


def test_what_may_not_be_moved_aside_is_one_line(tmp_path, monkeypatch):
    def closed(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    write_json(tmp_path / "x.json", {"a": 1})
    harm(tmp_path / "x.json", "flipped")
    monkeypatch.setattr(os, "replace", closed)
    with pytest.raises(
        StudyError, match=r"x\.json: damaged \(.*cannot be moved aside \(Permission denied\); remove"
    ):
        read_json(tmp_path / "x.json")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(small_disk):
    noise = np.random.default_rng(1).bytes(600_000).hex()
    write_json(small_disk / "kept.json", {"a": 1})
    line = (
        rf"{small_disk}/sub: the disk is full; make room there and run again, nothing that was made is lost"
    )
    with pytest.raises(StudyError, match=line):
        write_table(small_disk / "sub" / "x", {"id": [noise], "score": [0.0], "reason": [""]}, SCORES)
    with pytest.raises(StudyError, match="the disk is full"):
        write_json(small_disk / "kept.json", {"a": noise})
    # Libraries of other languages raise errors of their own.
    with pytest.raises(StudyError, match="the disk is full"), whole_directory(small_disk / "model") as folder:
        save_file({"v": np.zeros(500_000, np.uint8)}, folder / "x.safetensors")
    store = Store(small_disk / "store")
    store.put("f", "k", (noise, 1, "stop"))
    with pytest.raises(StudyError, match=rf"{small_disk}/store: the disk is full"):
        store.flush()
    assert read_json(small_disk / "kept.json") == {"a": 1}
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [small_disk / "kept.json"]
    store.put("f", "k", ("short", 1, "stop"))
    store.flush()
    assert Store(small_disk / "store").get("f", ["k"])


def test_a_used_up_quota_is_called_so(tmp_path):
    with pytest.raises(StudyError, match=f"{tmp_path}: a quota is used up"), whole_file(tmp_path / "x"):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    with pytest.raises(PermissionError), whole_file(tmp_path / "x"):
        raise PermissionError(errno.EACCES, "Permission denied")
