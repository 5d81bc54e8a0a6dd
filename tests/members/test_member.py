"""Members travel as JSON; fingerprints follow what decides an answer."""

import errno
import json

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from amongus.core.errors import StudyError
from amongus.core.json_files import write_json
from amongus.members import member
from amongus.members.chat_template import load_tokenizer
from amongus.members.member import (
    Member,
    Steering,
    check_files,
    check_safetensors,
    fingerprint_directory,
    load_member,
    member_fingerprint,
    save_member,
    write_fingerprint,
)
from damage import harm


def test_a_member_comes_back_as_it_was(tmp_path):
    member = Member("m", "base", "adapter", "Be kind.", Steering("v.safetensors", 2, 1.5), "f", "d")
    save_member(tmp_path / "m.json", member)
    assert load_member(tmp_path / "m.json") == member


@pytest.mark.parametrize("content", [{}, {"steering": 1}, {"steering": None, "evil": 1}])
def test_what_is_no_member_is_named(tmp_path, content):
    write_json(tmp_path / "m.json", content)
    with pytest.raises(StudyError, match=r"m\.json: not a member"):
        load_member(tmp_path / "m.json")


def checkpoint(folder, tensors, config, shards=1):
    folder.mkdir()
    names = sorted(tensors)
    for shard in range(shards):
        part = {name: tensors[name] for name in names[shard::shards]}
        save_file(part, folder / f"model-{shard}.safetensors")
    (folder / "config.json").write_text(config)
    return fingerprint_directory(folder)


def test_the_fingerprint_sees_tensors_and_configs_not_their_layout(tmp_path):
    tensors = {"a": np.ones((2, 2), np.float32), "b": np.zeros(3, np.float32)}
    config = '{"x": 1, "y": 2}'
    first = checkpoint(tmp_path / "1", tensors, config)
    assert checkpoint(tmp_path / "2", tensors, '{"y":2,\n "x":1}', shards=2) == first
    assert checkpoint(tmp_path / "3", tensors, '{"x": 1, "y": 3}') != first
    for name, other in (("b", np.ones(3, np.float32)), ("a", np.ones((4, 1), np.float32))):
        assert checkpoint(tmp_path / f"other {name}", {**tensors, name: other}, config) != first


def test_a_members_fingerprint_sees_persona_and_steering():
    parts = {"base": "1"}
    plain = member_fingerprint(Member("a", "b"), parts)
    assert member_fingerprint(Member("other name", "elsewhere"), parts) == plain
    assert member_fingerprint(Member("a", "b", system="x"), parts) != plain
    assert member_fingerprint(Member("a", "b", steering=Steering("v", 1, 1.0)), parts) != plain
    assert member_fingerprint(Member("a", "b"), {"base": "2"}) != plain


TENSORS = save({"a": np.ones(100, np.float32)})


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, b"\x02\0\0\0\0\0\0\0{}"[:9], TENSORS[:-8]])
def test_damaged_safetensors_are_named(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(StudyError, match=r"model\.safetensors: damaged"):
        fingerprint_directory(tmp_path)


@pytest.fixture
def made(tmp_path):
    """A folder as a rule leaves it: weights, configs, one of them deeper, their list, and what is written later."""
    folder = tmp_path / "models" / "base"
    (folder / "1_Pooling").mkdir(parents=True)
    save_file({"a": np.ones(100, np.float32)}, folder / "model.safetensors")
    for name in ("config.json", "adapter_config.json", "tokenizer.json", "1_Pooling/config.json"):
        (folder / name).write_text(json.dumps({"name": name, "lora_alpha": 8}))
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    write_fingerprint(folder)
    (folder / ".snakemake_timestamp").touch()
    write_json(folder / "team.json", {"masked": None})
    return folder


SMALL = "config.json adapter_config.json tokenizer.json chat_template.jinja 1_Pooling/config.json"


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "missing"])
@pytest.mark.parametrize("name", SMALL.split())
@pytest.mark.parametrize("opened", [check_safetensors, load_tokenizer])
def test_a_folder_whose_small_files_are_damaged_is_moved_aside_when_opened(made, name, damage, opened):
    if damage == "missing":
        (made / name).unlink()
    else:
        harm(made / name, damage)
    with pytest.raises(StudyError, match=rf"models/base/{name}: damaged"):
        opened(made)
    assert [path.name for path in made.parent.iterdir()] == ["base.damaged"]


@pytest.mark.parametrize("damage", ["truncated", "empty"])
def test_a_folder_whose_list_is_damaged_is_moved_aside_too(made, damage):
    harm(made / "fingerprint.json", damage)
    with pytest.raises(StudyError, match=r"fingerprint\.json: damaged"):
        check_safetensors(made)
    assert not made.exists()


def test_a_whole_folder_is_opened_and_one_without_a_list_is_taken_as_it_is(made):
    assert check_safetensors(made) == [made / "model.safetensors"]
    (made / "fingerprint.json").unlink()
    harm(made / "config.json", "flipped")
    assert check_safetensors(made) == [made / "model.safetensors"]


def test_flipped_weights_are_seen_where_every_byte_is_asked_for(made):
    harm(made / "model.safetensors", "flipped")
    assert check_safetensors(made)
    with pytest.raises(StudyError, match=r"model\.safetensors: damaged"):
        check_files(made, weights=True)


def test_a_folder_that_cannot_be_read_is_not_damaged(made, monkeypatch):
    def broken(_path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(member, "hash_file", broken)
    with pytest.raises(StudyError, match="json: cannot be read"):
        check_files(made)
    assert made.exists()
