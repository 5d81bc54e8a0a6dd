"""The store: whole shards, several writers, damage, refusal, compaction beside readers."""

import logging
import multiprocessing
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amongus.core.errors import StudyError
from amongus.inference import answer_cache_shard as shards_module
from amongus.inference.answer_cache import Store
from amongus.inference.answer_cache_permissions import Access


def filled(root, fingerprint="f", first=0, count=3, **options):
    made = Store(root, **options)
    for number in range(first, first + count):
        made.put(fingerprint, f"k{number}", (f"text {number}", number, "stop"))
    made.flush()
    return made


def shards(root, fingerprint="f"):
    return sorted((root / fingerprint).glob("*.parquet"))


def test_answers_come_back(tmp_path):
    filled(tmp_path / "store")
    known = Store(tmp_path / "store").get("f", ["k0", "k2", "k9"])
    assert known == {"k0": ("text 0", 0, "stop"), "k2": ("text 2", 2, "stop")}
    assert Store(tmp_path / "store").get("other", ["k0"]) == {}


def test_what_is_not_flushed_is_known_here_only(tmp_path):
    made = Store(tmp_path / "store")
    made.put("f", "k", ("a", 1, "stop"))
    assert made.get("f", ["k"]) and not Store(tmp_path / "store").get("f", ["k"])
    made.flush()
    made.flush()
    assert len(shards(tmp_path / "store")) == 1


def test_fingerprints_are_read_when_asked_for(tmp_path, monkeypatch):
    filled(tmp_path / "store", "a")
    filled(tmp_path / "store", "b")
    read = []
    original = shards_module.read
    monkeypatch.setattr(
        shards_module, "read", lambda path, access: read.append(path.parent.name) or original(path, access)
    )
    made = Store(tmp_path / "store")
    made.get("a", ["k0"])
    made.get("a", ["k1"])
    assert read == ["a"]


def test_files_are_for_their_owner_only_and_no_other_remains(tmp_path):
    before = os.umask(0)
    try:
        filled(tmp_path / "store")
    finally:
        os.umask(before)
    (shard,) = shards(tmp_path / "store")
    assert shard.stat().st_mode & 0o777 == 0o600
    for folder in (tmp_path / "store", tmp_path / "store" / "f"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "store" / "f").iterdir()) == [shard]


def test_hostile_texts_survive(tmp_path):
    made = Store(tmp_path / "store")
    texts = ["", "\x00\x1b[31m", "名前 \u2028", "a\ud800b", '{"k": 1}']
    for number, text in enumerate(texts):
        made.put("f", str(number), (text, 1, "stop"))
    made.flush()
    known = Store(tmp_path / "store").get("f", map(str, range(5)))
    assert [known[str(number)][0] for number in range(5)] == [*texts[:3], "a?b", texts[4]]
    assert made.get("f", ["3"]) == {"3": known["3"]}


def write_many(root, first):
    for start in range(first, first + 200, 20):
        filled(root, first=start, count=20, compact_above=4)


def test_two_processes_write_and_compact_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(tmp_path / "store", first)) for first in (0, 100)]
    for writer in writers:
        writer.start()
    # Meanwhile a reader sees whole shards or none, and everything it once saw.
    seen = 0
    while any(writer.is_alive() for writer in writers):
        now = len(Store(tmp_path / "store").get("f", [f"k{number}" for number in range(300)]))
        assert now >= seen
        seen = now
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    known = Store(tmp_path / "store").get("f", [f"k{number}" for number in range(300)])
    assert known == {f"k{number}": (f"text {number}", number, "stop") for number in range(300)}
    assert not list((tmp_path / "store" / "f").glob("*.damaged"))


@pytest.mark.parametrize("damage", ["truncate", "flip", "other", "foreign text"])
def test_a_damaged_shard_is_moved_aside_and_its_answers_asked_again(tmp_path, caplog, damage):
    filled(tmp_path / "store", count=200)
    (bad,) = shards(tmp_path / "store")
    filled(tmp_path / "store", first=500, count=1)
    content = bad.read_bytes()
    if damage == "truncate":
        bad.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        bad.write_bytes(content[:300] + bytes([content[300] ^ 1]) + content[301:])
    elif damage == "other":
        bad.write_bytes(b"not parquet\nat all")
    else:
        table = pq.read_table(bad)
        changed = table.set_column(1, "text", [["planted"] * len(table)])
        pq.write_table(changed.replace_schema_metadata(table.schema.metadata), bad)
    with caplog.at_level(logging.WARNING):
        known = Store(tmp_path / "store").get("f", ["k0", "k500"])
    assert known == {"k500": ("text 500", 500, "stop")}
    (record,) = caplog.records
    assert str(bad) in record.getMessage() and "\n" not in record.getMessage()
    assert not bad.exists() and bad.with_name(bad.name + ".damaged").exists()


def test_a_shard_of_another_fingerprint_is_damaged(tmp_path):
    filled(tmp_path / "store", "a")
    filled(tmp_path / "store", "b", first=7)
    (shard,) = shards(tmp_path / "store", "a")
    os.rename(shard, tmp_path / "store" / "b" / shard.name)
    assert Store(tmp_path / "store").get("b", ["k0", "k7"]).keys() == {"k7"}


@pytest.mark.parametrize("place", ["", "f", "shard"])
def test_what_others_may_write_is_refused(tmp_path, place):
    filled(tmp_path / "store")
    path = shards(tmp_path / "store")[0] if place == "shard" else tmp_path / "store" / place
    path.chmod(path.stat().st_mode | 0o020)
    with pytest.raises(StudyError, match="may be written by others") as caught:
        Store(tmp_path / "store").get("f", ["k0"])
    assert str(path) in str(caught.value)


def test_what_belongs_to_others_is_refused(tmp_path, monkeypatch):
    filled(tmp_path / "store")
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(StudyError, match=f"belongs to user {owner}"):
        Store(tmp_path / "store").get("f", ["k0"])


def test_links_are_refused(tmp_path):
    filled(tmp_path / "store")
    (shard,) = shards(tmp_path / "store")
    os.rename(shard, tmp_path / "elsewhere.parquet")
    shard.symlink_to(tmp_path / "elsewhere.parquet")
    with pytest.raises(StudyError, match="cannot be opened"):
        Store(tmp_path / "store").get("f", ["k0"])


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, make):
    filled(tmp_path / "store")
    make(tmp_path / "store" / "f" / "x.parquet", 0o700)
    with pytest.raises(StudyError, match=r"x\.parquet: is no file; .* remove it"):
        Store(tmp_path / "store").get("f", ["k0"])


@pytest.mark.parametrize("name", ["", "../up", "a/b", "."])
def test_fingerprints_cannot_leave_the_store(tmp_path, name):
    with pytest.raises(StudyError, match="not a fingerprint"):
        Store(tmp_path / "store").get(name, ["k"])


def test_many_shards_are_compacted_and_nothing_is_lost(tmp_path):
    for number in range(10):
        filled(tmp_path / "store", first=number, count=2, compact_above=100)
    assert len(shards(tmp_path / "store")) == 10
    expected = {f"k{number}": (f"text {number}", number, "stop") for number in range(11)}
    assert Store(tmp_path / "store", compact_above=5).get("f", expected) == expected
    assert len(shards(tmp_path / "store")) == 1
    assert Store(tmp_path / "store").get("f", expected) == expected


def test_a_reader_survives_a_compaction_under_its_hands(tmp_path, monkeypatch):
    for number in range(6):
        filled(tmp_path / "store", first=number, count=1, compact_above=100)
    original = shards_module.read
    compacted = []

    def slow_read(path, access):
        found = original(path, access)
        if not compacted:
            compacted.append(True)
            Store(tmp_path / "store").compact("f")
        return found

    monkeypatch.setattr(shards_module, "read", slow_read)
    known = Store(tmp_path / "store").get("f", [f"k{number}" for number in range(6)])
    assert len(known) == 6 and len(shards(tmp_path / "store")) == 1


def test_of_two_answers_for_one_key_the_same_one_counts_always(tmp_path):
    for text in ("b", "a", "c"):
        made = Store(tmp_path / "store")
        made._waiting["f"]["k"] = (text, 1, "stop")
        made.flush()
    assert Store(tmp_path / "store").get("f", ["k"])["k"][0] == "a"
    Store(tmp_path / "store").compact("f")
    assert Store(tmp_path / "store").get("f", ["k"])["k"][0] == "a"


def test_a_shard_that_could_not_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match=f"{tmp_path}/store: the disk is full; make room there"):
        filled(tmp_path / "store")
    assert list((tmp_path / "store" / "f").iterdir()) == []


def test_any_flipped_byte_is_seen_and_shards_of_before_seals_are_read(tmp_path):
    filled(tmp_path / "store", count=1)
    (shard,) = shards(tmp_path / "store")
    whole = shard.read_bytes()
    sealed_by = whole.rindex(b"file_sha256")
    for place in range(len(whole)):
        shard.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        # Without its seal it passes for an older one: its answers have a checksum of their own.
        if abs(place - sealed_by) > 16:
            with pytest.raises(ValueError, match=r"checksum|parquet|Parquet"):
                shards_module.load(shard, Access())
    pq.write_table(pq.read_table(pa.BufferReader(whole)), shard, compression="zstd")
    assert Store(tmp_path / "store").get("f", ["k0"]) == {"k0": ("text 0", 0, "stop")}
