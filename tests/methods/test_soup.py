"""The greedy soup on tiny checkpoints with scripted dev scores."""

import pytest
import torch
from safetensors.torch import load_file

import tiny
from amongus.core.json_files import read_json
from amongus.members.member import Member, fingerprint_directory
from amongus.methods import soup
from fakes import ScriptedEngine
from teams import DEV, lesson, mask, task


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    folder = tmp_path_factory.mktemp("soup")
    return {
        name: Member(name, tiny.checkpoint(folder / name, seed), system=f"I am {name}.")
        for seed, name in enumerate(DEV)
    }


def learn(folder, members, scores, masked=None):
    """Learn a soup whose merges score `scores` on dev, in the order in which they answer."""
    merged_members = []

    def respond(member):
        merged_members.append(member)
        return [f"answer {len(merged_members)}"]

    folder.mkdir()
    scores_of_members = {member: [DEV[member]] for member in members}
    data = lesson(
        members,
        scores=scores_of_members,
        respond=respond,
        score=lambda texts: [scores[int(texts[0].split()[1]) - 1]],
        masked=masked,
    )
    soup.learn(data, folder)
    return merged_members, read_json(folder / "merge.json")


def mean(*members):
    tensors = [load_file(f"{member.base}/model.safetensors") for member in members]
    return {name: torch.stack([one[name] for one in tensors]).mean(0) for name in tensors[0]}


def test_what_lowers_the_dev_score_is_left_out(tmp_path, members):
    merged_members, record = learn(tmp_path / "out", members, [0.4, 0.9])
    assert record == {"kept": ["b", "a"], "dev": DEV, "masked": None}
    merged = load_file(tmp_path / "out" / "model.safetensors")
    for name, value in mean(members["a"], members["b"]).items():
        torch.testing.assert_close(merged[name], value)
    assert len({member.fingerprint for member in merged_members}) == 2
    assert {(member.name, member.system) for member in merged_members} == {("merged", "I am a.")}
    assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]


def test_a_masked_member_is_left_out_as_if_it_were_not_there(tmp_path, members):
    merged_members, record = learn(tmp_path / "masked", members, [1.0], masked="a")
    assert record["kept"] == ["b", "c"] and record["masked"] == "a" and "a" not in record["dev"]
    fewer = {name: member for name, member in members.items() if name != "a"}
    again, _ = learn(tmp_path / "without", fewer, [1.0])
    assert fingerprint_directory(tmp_path / "masked") == fingerprint_directory(tmp_path / "without")
    assert [one.fingerprint for one in merged_members] == [one.fingerprint for one in again]
    (learned,) = soup.learned_members(members, "d", tmp_path / "masked")
    assert learned.system == "I am b." and learned.fingerprint == merged_members[-1].fingerprint


def test_a_team_of_one_is_that_member(tmp_path, members):
    two = {name: members[name] for name in "ab"}
    merged_members, record = learn(tmp_path / "out", two, [], masked="b")
    assert not merged_members and record["kept"] == ["a"]
    assert fingerprint_directory(tmp_path / "out") == fingerprint_directory(members["a"].base)


def test_the_outcome_says_who_was_masked():
    (outcome,) = soup.collaborate(task("ab"), ScriptedEngine("yes"), mask("a"))
    assert (outcome.text, outcome.masked, outcome.candidates) == ("yes", "a", ("a", "b"))
