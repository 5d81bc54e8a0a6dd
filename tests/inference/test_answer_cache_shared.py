"""A store that many processes, or several users, share."""

import errno
import multiprocessing
import os

import pytest

from amongus.cli.compact import compact
from amongus.core.errors import StudyError
from amongus.inference import answer_cache_shard
from amongus.inference.answer_cache import Store
from amongus.inference.answer_cache_permissions import Access, share_store, shared_with

WRITERS, FLUSHES, FINGERPRINTS = 16, 4, ("f", "g")
root_only = pytest.mark.skipif(os.getuid() != 0, reason="files of other users can be made by root only")


def row(key):
    return (f"text of {key} " * 20, len(key), "stop")


def write_many(root, writer):
    mine = Store(root, compact_above=10)
    for number in range(FLUSHES):
        # Half of the keys are asked for by every writer at once.
        for key in (f"shared-{number}", f"{writer}-{number}"):
            for fingerprint in FINGERPRINTS:
                mine.put(fingerprint, key, row(key))
        mine.flush()


def keep_compacting(root, done):
    while not done.is_set():
        compact(root)


def keep_reading(root, done):
    seen = 0
    while not done.is_set():
        known = Store(root, compact_above=10**6).get("f", all_keys())
        assert all(answer == row(key) for key, answer in known.items())
        assert len(known) >= seen, "an answer that was there is gone"
        seen = len(known)


def all_keys():
    return [f"{who}-{number}" for who in ("shared", *range(WRITERS)) for number in range(FLUSHES)]


def test_sixteen_write_while_two_read_and_one_compacts(tmp_path):
    root = tmp_path / "store"
    context = multiprocessing.get_context("fork")
    done = context.Event()
    writers = [context.Process(target=write_many, args=(root, writer)) for writer in range(WRITERS)]
    others = [
        context.Process(target=work, args=(root, done))
        for work in (keep_reading, keep_reading, keep_compacting)
    ]
    for process in (*writers, *others):
        process.start()
    for process in writers:
        process.join()
    done.set()
    for process in others:
        process.join()
    assert [process.exitcode for process in (*writers, *others)] == [0] * (WRITERS + 3)
    compact(root)
    for fingerprint in FINGERPRINTS:
        assert Store(root).get(fingerprint, all_keys()) == {key: row(key) for key in all_keys()}
        # Nothing torn, nothing left behind.
        assert [path.suffix for path in (root / fingerprint).iterdir()] == [".parquet"]


def filled(root, count=3, group=None):
    for number in range(count):
        made = Store(root, compact_above=100, group=group)
        made.put("f", f"k{number}", row("k"))
        made.flush()
    return made


def test_one_compacts_at_a_time_and_a_dead_ones_turn_is_taken_over(tmp_path):
    made = filled(tmp_path / "store")
    sign = tmp_path / "store" / "f" / ".compacting"
    sign.touch()
    assert made.compact("f") == (3, 0)
    os.utime(sign, (0, 0))
    assert made.compact("f") == (3, 3) and not sign.exists()
    assert made.compact("f") == (1, 0)


def test_a_reader_that_cannot_compact_reads_on(tmp_path, monkeypatch):
    made = filled(tmp_path / "store")

    def full(path, flags, *mode):
        if flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, flags, *mode)

    opened = os.open
    monkeypatch.setattr(os, "open", full)
    assert made.compact("f") == (3, 0)


def test_a_reader_does_without_a_compaction_that_fails(tmp_path, monkeypatch, caplog):
    filled(tmp_path / "store")

    def full(*arguments):
        raise StudyError("the disk is full")

    monkeypatch.setattr(answer_cache_shard, "write", full)
    assert Store(tmp_path / "store", compact_above=2).get("f", ["k1"])
    assert "not compacted: the disk is full" in caplog.text


def test_compaction_removes_what_killed_writers_left_and_not_what_living_ones_write(tmp_path):
    made = filled(tmp_path / "store")
    old, new = (tmp_path / "store" / "f" / f".{name}.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    made.compact("f")
    assert not old.exists() and new.exists()


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """A shard, reading which fails with the error that is told."""
    filled(tmp_path / "store", count=1)

    class Failing:
        error = 0

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        def read(self):
            raise OSError(self.error, os.strerror(self.error))

    monkeypatch.setattr(os, "fdopen", lambda *_arguments: Failing())
    (shard,) = (tmp_path / "store" / "f").iterdir()

    def fail(error):
        Failing.error = error
        return shard

    return fail


def test_a_shard_that_vanishes_on_a_network_file_system_is_not_damaged(failing):
    shard = failing(errno.ESTALE)
    assert answer_cache_shard.read(shard, Access()) is None and shard.exists()


def test_a_shard_that_the_disk_does_not_give_is_not_damaged(failing):
    shard = failing(errno.EIO)
    with pytest.raises(StudyError, match=f"{shard}: cannot be read .Input/output error.; mend that and run"):
        answer_cache_shard.read(shard, Access())
    assert shard.exists()


def test_a_folder_that_may_not_be_entered_is_one_line(tmp_path, monkeypatch):
    filled(tmp_path / "store", count=1)

    def barred(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    # Root, who may run the tests, enters everywhere.
    monkeypatch.setattr(os, "scandir", barred)
    with pytest.raises(
        StudyError, match=f"{tmp_path}/store/f: you may not enter this folder; .*chmod g.rwxs"
    ):
        Store(tmp_path / "store").get("f", ["k0"])


@root_only
def test_a_group_shares_a_store_and_nobody_else_writes_it(tmp_path):
    group, colleague = 4242, 4343
    before = os.umask(0o077)
    try:
        filled(tmp_path / "store", group=str(group))
    finally:
        os.umask(before)
    (first, *_) = sorted((tmp_path / "store" / "f").iterdir())
    for folder in (tmp_path / "store", tmp_path / "store" / "f"):
        assert folder.stat().st_mode & 0o7777 == 0o2770 and folder.stat().st_gid == group
    assert first.stat().st_mode & 0o777 == 0o640 and first.stat().st_gid == group
    for path in (tmp_path / "store", tmp_path / "store" / "f", first):
        os.chown(path, colleague, group)
    shared = Store(tmp_path / "store", group=str(group))
    assert len(shared.get("f", ["k0", "k1", "k2"])) == 3
    assert shared.compact("f") == (3, 3)
    with pytest.raises(StudyError, match=f"belongs to user {colleague}, refused.*store_group"):
        Store(tmp_path / "store").get("f", ["k0"])
    with pytest.raises(StudyError, match=f"belongs to user {colleague}, refused"):
        Store(tmp_path / "store", group="4444").get("f", ["k0"])


@root_only
@pytest.mark.parametrize(("uid", "gid"), [(4343, 0), (4343, 4444)])
def test_a_shard_of_an_outsider_is_refused_in_a_shared_store_too(tmp_path, uid, gid):
    filled(tmp_path / "store", count=1, group="4242")
    (shard,) = (tmp_path / "store" / "f").iterdir()
    os.chown(shard, uid, gid)
    with pytest.raises(StudyError, match=f"{shard}: belongs to user {uid}, refused"):
        Store(tmp_path / "store", group="4242").get("f", ["k0"])


@pytest.mark.parametrize("group", [None, "own"])
def test_what_anybody_may_write_is_refused_with_and_without_a_group(tmp_path, group):
    group = group and str(os.getgid())
    filled(tmp_path / "store", count=1, group=group)
    (shard,) = (tmp_path / "store" / "f").iterdir()
    shard.chmod(0o666)
    with pytest.raises(StudyError, match=f"{shard}: may be written by others, refused"):
        Store(tmp_path / "store", group=group).get("f", ["k0"])


def test_a_group_that_is_not_there_is_named():
    with pytest.raises(StudyError, match="there is no group 'no-such-group' on this machine"):
        Store("anywhere", group="no-such-group")


def test_jobs_are_told_of_the_group_by_their_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    share_store("1")
    assert shared_with() == "1"
    share_store(None)
    assert shared_with() is None
