"""Files and folders are whole or absent, whatever ends the job that makes them."""

import errno
import os
import subprocess

import numpy as np
import pytest
from safetensors.numpy import save_file

from amongus.core import atomic
from amongus.core.atomic import whole_directory, whole_file
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.core.tables import SCORES, write_table
from amongus.inference.answer_cache import Store


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


def test_what_killed_jobs_have_left_is_removed_by_the_next(tmp_path):
    killed = whole_directory(tmp_path / "model")
    (killed.__enter__() / "half").write_text("1")
    with whole_directory(tmp_path / "other"):
        assert len(list(tmp_path.iterdir())) == 2
    with whole_directory(tmp_path / "model"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "other"]


@pytest.mark.parametrize("recreates", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_is_made_by_the_copy_of_a_job_that_began_last(tmp_path, recreates, fails, caplog):
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
    assert list(tmp_path.iterdir()) == [path] and "superseded by a newer copy" in caplog.text


@pytest.mark.parametrize("fails", [False, True])
def test_a_superseded_copy_fails_in_one_line_while_the_newer_one_is_at_work(tmp_path, fails):
    path = tmp_path / "model"
    newer = whole_directory(path)
    with pytest.raises(StudyError, match=f"^{path}: superseded by a newer copy"), whole_directory(path):
        made = newer.__enter__()
        if fails:
            raise RuntimeError("no such folder")
    assert made.exists() and not path.exists()
    newer.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_once_the_folder_is_in_place_is_raised(tmp_path, monkeypatch):
    def fail(path):
        if path == tmp_path:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(atomic, "sync", fail)
    with pytest.raises(OSError, match="Input/output"), whole_directory(tmp_path / "model") as folder:
        (folder / "weights").write_text("1")


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
    with pytest.raises(StudyError, match=f"^{small_disk}/sub: the disk is full; make room there and run again"):
        write_table(small_disk / "sub" / "x", {"id": [noise], "score": [0.0], "reason": [""]}, SCORES)
    with pytest.raises(StudyError, match="the disk is full"):
        write_json(small_disk / "kept.json", {"a": noise})
    # Libraries of other languages raise errors of their own.
    with pytest.raises(StudyError, match="the disk is full"), whole_directory(small_disk / "model") as folder:
        save_file({"v": np.zeros(500_000, np.uint8)}, folder / "x.safetensors")
    store = Store(small_disk / "store")
    store.put("f", "k", (noise, 1, "stop"))
    with pytest.raises(StudyError, match=f"^{small_disk}/store/f: the disk is full"):
        store.flush()
    assert read_json(small_disk / "kept.json") == {"a": 1}
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [small_disk / "kept.json"]
    store.put("f", "k", ("short", 1, "stop"))
    store.flush()
    assert Store(small_disk / "store").get("f", ["k"])


def test_a_used_up_quota_is_named(tmp_path):
    with pytest.raises(StudyError, match=f"{tmp_path}: a quota is used up"), whole_file(tmp_path / "x"):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    with pytest.raises(PermissionError), whole_file(tmp_path / "x"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_files_have_the_permissions_of_any_other(tmp_path):
    with whole_file(tmp_path / "x.safetensors") as temporary:
        save_file({"v": np.ones(3)}, temporary)
    (tmp_path / "other").touch()
    assert (tmp_path / "x.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
