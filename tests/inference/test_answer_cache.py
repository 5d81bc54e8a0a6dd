"""The answer cache: whole shards, many writers, damage, refusal, compaction beside readers."""

import errno
import logging
import multiprocessing
import os
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from amongus.cli import compact
from amongus.core.errors import StudyError
from amongus.inference import answer_cache
from amongus.inference.answer_cache import Store
from damage import harm

WRITERS, FLUSHES, FINGERPRINTS = 16, 4, ("f", "g")
KEYS = [f"{who}-{number}" for who in ("shared", *range(WRITERS)) for number in range(FLUSHES)]


def answer(key):
    return (f"text of {key} " * 20, len(key), "stop")


def filled(root, *keys, fingerprint="f"):
    """A store with a new shard of these keys."""
    made = Store(root)
    for key in keys:
        made.put(fingerprint, key, answer(key))
    made.flush()
    return made


def shards(root, fingerprint="f"):
    return sorted((root / fingerprint).glob("*.parquet"))


@pytest.fixture
def root(tmp_path):
    """The folder of a store of one shard, with the answers to k0 and k1."""
    filled(tmp_path / "store", "k0", "k1")
    return tmp_path / "store"


def test_answers_come_back(root):
    assert Store(root).get("f", ["k0", "k9"]) == {"k0": answer("k0")}
    assert Store(root).get("other", ["k0"]) == {}


def test_what_is_not_flushed_is_known_here_only(tmp_path):
    made = Store(tmp_path / "store")
    made.put("f", "k", ("a", 1, "stop"))
    assert made.get("f", ["k"]) and not Store(tmp_path / "store").get("f", ["k"])
    made.flush()
    made.flush()
    assert len(shards(tmp_path / "store")) == 1


def test_folders_are_for_their_owner_only_and_no_other_file_remains(tmp_path):
    before = os.umask(0)
    try:
        filled(tmp_path / "store", "k0")
    finally:
        os.umask(before)
    for folder in (tmp_path / "store", tmp_path / "store" / "f"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "store" / "f").iterdir()) == shards(tmp_path / "store")


def test_hostile_texts_survive(tmp_path):
    made = Store(tmp_path / "store")
    texts = ["", "\x00\x1b[31m", "名前 \u2028", "a\ud800b", '{"k": 1}']
    for number, text in enumerate(texts):
        made.put("f", str(number), (text, 1, "stop"))
    made.flush()
    known = Store(tmp_path / "store").get("f", map(str, range(5)))
    assert [known[str(number)][0] for number in range(5)] == [*texts[:3], "a?b", texts[4]]
    assert made.get("f", ["3"]) == {"3": known["3"]}


@pytest.mark.parametrize("damage", ["truncated", "not parquet", "another text", "another folder"])
def test_a_damaged_shard_is_moved_aside_and_its_answers_are_asked_again(root, caplog, damage):
    (bad,) = shards(root)
    filled(root, "k2")
    if damage == "another text":
        table = pq.read_table(bad).set_column(1, "text", [["planted"] * 2])
        pq.write_table(table.replace_schema_metadata(pq.read_schema(bad).metadata), bad)
    elif damage == "another folder":
        filled(root, "k0", fingerprint="other")
        os.replace(shards(root, "other")[0], bad)
    elif damage == "not parquet":
        bad.write_bytes(b"words\nand lines")
    else:
        harm(bad, damage)
    with caplog.at_level(logging.WARNING):
        assert Store(root).get("f", ["k0", "k1", "k2"]).keys() == {"k2"}
    (record,) = caplog.records
    assert str(bad) in record.getMessage() and "\n" not in record.getMessage()
    assert not bad.exists() and bad.with_name(bad.name + ".damaged").exists()


def test_no_flipped_byte_changes_an_answer(root):
    (shard,) = shards(root)
    whole, expected, seen = shard.read_bytes(), answer_cache.load_shard(shard), 0
    for place in range(len(whole)):
        shard.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert answer_cache.load_shard(shard) == expected, place
        except ValueError as error:
            assert "\n" not in str(error)
            seen += 1
    assert seen > len(whole) / 3


@pytest.mark.parametrize("place", ["", "f"])
def test_what_others_may_write_is_refused(root, place):
    path = root / place
    path.chmod(path.stat().st_mode | 0o020)
    with pytest.raises(StudyError, match=rf"^{path}: others may write here; .*chmod go-w {path}"):
        Store(root).get("f", ["k0"])


def test_what_belongs_to_others_is_refused(root, monkeypatch):
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(StudyError, match=f"{root}: belongs to user {owner}; set `store` to a folder of your own"):
        Store(root).get("f", ["k0"])


@pytest.mark.parametrize("name", ["", "../up", "a/b", "."])
def test_fingerprints_cannot_leave_the_store(tmp_path, name):
    with pytest.raises(StudyError, match="not a fingerprint"):
        Store(tmp_path / "store").get(name, ["k"])


@pytest.mark.parametrize(("error", "message"), [(errno.ESTALE, None), (errno.EIO, "cannot be read")])
def test_a_shard_that_the_system_does_not_give_is_not_damaged(root, monkeypatch, error, message):
    """Stale is what a file is called that vanishes from a network file system while it is read."""

    def fail(_path):
        raise OSError(error, os.strerror(error))

    (shard,) = shards(root)
    monkeypatch.setattr(Path, "read_bytes", fail)
    if message:
        with pytest.raises(StudyError, match=f"^{shard}: {message}"):
            Store(root).get("f", ["k0"])
    else:
        assert Store(root).get("f", ["k0"]) == {}
    assert shard.exists()


def test_of_two_answers_to_one_key_the_same_counts_always(tmp_path):
    root = tmp_path / "store"
    stores = [Store(root) for _ in range(3)]
    for store, text in zip(stores, "bac", strict=True):
        store.put("f", "k", (text, 1, "stop"))
    for store in stores:
        store.flush()
    assert len(shards(root)) == 3 and Store(root).get("f", ["k"])["k"][0] == "a"
    assert Store(root).compact("f") == 3
    assert len(shards(root)) == 1 and Store(root).get("f", ["k"])["k"][0] == "a"


def test_a_reader_survives_a_compaction_under_its_hands(root, monkeypatch):
    filled(root, "k2")
    load = answer_cache.load_shard

    def slow_load(path):
        monkeypatch.setattr(answer_cache, "load_shard", load)
        found = load(path)
        Store(root).compact("f")
        return found

    monkeypatch.setattr(answer_cache, "load_shard", slow_load)
    assert len(Store(root).get("f", ["k0", "k1", "k2"])) == 3 and len(shards(root)) == 1


def test_compaction_removes_what_killed_writers_left_and_not_what_living_ones_write(root):
    old, new = (root / "f" / f".{name}.parquet.abc" for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    Store(root).compact("f")
    assert not old.exists() and new.exists() and len(shards(root)) == 1


def write_many(root, writer):
    mine = Store(root)
    for number in range(FLUSHES):
        # Half of the keys are written by every writer at once.
        for key in (f"shared-{number}", f"{writer}-{number}"):
            for fingerprint in FINGERPRINTS:
                mine.put(fingerprint, key, answer(key))
        mine.flush()


def keep_compacting(root, done):
    while not done.is_set():
        for fingerprint in FINGERPRINTS:
            Store(root).compact(fingerprint)


def keep_reading(root, done):
    seen = 0
    while not done.is_set():
        known = Store(root).get("f", KEYS)
        assert all(row == answer(key) for key, row in known.items())
        assert len(known) >= seen, "an answer that was there is gone"
        seen = len(known)


def test_sixteen_write_while_two_read_and_two_compact(tmp_path, monkeypatch, capsys):
    root = tmp_path / "store"
    context = multiprocessing.get_context("fork")
    done = context.Event()
    writers = [context.Process(target=write_many, args=(root, writer)) for writer in range(WRITERS)]
    others = [context.Process(target=work, args=(root, done)) for work in 2 * (keep_reading, keep_compacting)]
    for process in (*writers, *others):
        process.start()
    for process in writers:
        process.join()
    done.set()
    for process in others:
        process.join()
    assert [process.exitcode for process in (*writers, *others)] == [0] * (WRITERS + 4)
    (tmp_path / "study.yaml").write_text(f"store: {root}\n")
    monkeypatch.setattr(sys, "argv", ["compact", "--config", str(tmp_path / "study.yaml")])
    assert compact.main() == 0 and "shards of 2 fingerprints" in capsys.readouterr().out
    for fingerprint in FINGERPRINTS:
        assert Store(root).get(fingerprint, KEYS) == {key: answer(key) for key in KEYS}
        # Nothing torn, nothing left behind.
        assert [path.suffix for path in (root / fingerprint).iterdir()] == [".parquet"]
