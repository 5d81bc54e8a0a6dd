"""DARE-TIES against mergekit's TIES (recorded, see tests/oracles), peft's merge and plain arithmetic."""

import json
from collections import defaultdict

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import tiny
from amongus.members.member import Member, fingerprint_directory
from amongus.methods import dare_ties
from checkout import ROOT
from teams import lesson

ORACLE = ROOT / "tests" / "oracles" / "mergekit_ties.safetensors"


def learn(folder, members, **changes):
    folder.mkdir()
    settings = dare_ties.Settings(**changes.pop("settings", {}))
    models = {"base": next(iter(members.values())).base}
    dare_ties.learn(lesson(members, **{"seed": 101, "settings": settings, "models": models, **changes}), folder)
    return full(folder)


def full(folder):
    return load_file(f"{folder}/model.safetensors")


def named(**members):
    return {name: Member(name, *where, system=f"I am {name}.") for name, where in members.items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A base, three adapters of it, and a full checkpoint: what a pool with a GRPO attacker is made of."""
    folder = tmp_path_factory.mktemp("world")
    base = tiny.checkpoint(folder / "base")
    adapters = {name: (base, tiny.adapter(folder / name, base, seed)) for seed, name in enumerate("abc")}
    return {"base": (base,), **adapters, "full": (tiny.checkpoint(folder / "full", seed=7),)}


def pool(world, names):
    return named(**{name: world[name] for name in names})


@pytest.mark.parametrize("team", ["abc", "abcd"])
def test_at_density_one_it_is_mergekits_ties(tmp_path, team):
    recorded = defaultdict(dict)
    for key, value in load_file(ORACLE).items():
        recorded[key.split("/")[0]][key.split("/")[1]] = value
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    config = tiny.config(48, num_attention_heads=2, num_key_value_heads=1, architectures=["LlamaForCausalLM"], **sizes)
    for one in ("base", *team):
        (tmp_path / one).mkdir()
        save_file(recorded[one], tmp_path / one / "model.safetensors")
        config.save_pretrained(tmp_path / one)
    members = named(**{one: (str(tmp_path / one),) for one in team})
    settings = {"density": 1}
    merged = learn(tmp_path / "out", members, settings=settings, models={"base": tmp_path / "base"})
    assert merged.keys() == recorded[team].keys()
    for name, value in merged.items():
        assert torch.equal(value, recorded[team][name])
    # The recording holds what the rule is about: zeros, sums that cancel, and signs that disagree.
    base = recorded["base"]["model.embed_tokens.weight"]
    updates = torch.stack([recorded[one]["model.embed_tokens.weight"] - base for one in team])
    cancel = (updates.sum(0) == 0) & (updates != 0).any(0)
    assert (updates == 0).any() and cancel.any() and ((updates > 0).any(0) & (updates < 0).any(0)).any()


def test_adapters_merge_as_their_full_weights_do(tmp_path, world):
    merged = learn(tmp_path / "out", pool(world, "abc"), settings={"density": 1})
    base = full(world["base"][0])
    experts = []
    for base_folder, adapter in (world[name] for name in "abc"):
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base_folder), adapter)
        experts.append(dict(model.merge_and_unload().named_parameters()))
    moved = 0
    for name, value in merged.items():
        updates = torch.stack([expert[name].detach() - base[name] for expert in experts])
        agree = torch.sign(updates) == torch.sign(updates.sum(0))
        torch.testing.assert_close(value, base[name] + (updates * agree).sum(0) / 3, rtol=1e-5, atol=1e-5)
        moved += not torch.equal(value, base[name])
    assert moved == 5 * tiny.LAYERS


def test_what_is_dropped_depends_on_neither_the_order_nor_the_others(tmp_path, world):
    one = learn(tmp_path / "one", pool(world, "ab"))
    other = learn(tmp_path / "other", pool(world, "ba"))
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=1e-6)
    again = learn(tmp_path / "again", pool(world, "ab"))
    assert all(torch.equal(value, again[name]) for name, value in one.items())


def test_seeds_have_masks_of_their_own_and_datasets_share_them(tmp_path, world):
    one = learn(tmp_path / "one", pool(world, "ab"))
    other = learn(tmp_path / "other", pool(world, "ab"), seed=102)
    assert any(not torch.equal(value, other[name]) for name, value in one.items())
    same = learn(tmp_path / "same", pool(world, "ab"), dataset="e")
    assert all(torch.equal(value, same[name]) for name, value in one.items())


def test_tensors_and_members_have_masks_of_their_own(tmp_path, world):
    base = full(world["base"][0])
    kept = []
    for member in "xy":
        merged = learn(tmp_path / member, named(**{member: world["a"]}))
        names = [f"model.layers.{layer}.self_attn.q_proj.weight" for layer in range(2)]
        kept += [merged[name] != base[name] for name in names]
    for place, mask in enumerate(kept):
        # 1024 coins each: two masks agree at half of the places.
        assert 0.4 < mask.double().mean() < 0.6
        for other in kept[:place]:
            assert 0.4 < (mask == other).double().mean() < 0.6


def test_scale_multiplies_what_is_added_to_the_base(tmp_path, world):
    once, twice = (learn(tmp_path / f"{scale}", pool(world, "abc"), settings={"scale": scale}) for scale in (1, 2))
    base = full(world["base"][0])
    for name, value in twice.items():
        torch.testing.assert_close(value - base[name], 2 * (once[name] - base[name]), rtol=1e-4, atol=1e-6)


def test_a_masked_member_is_left_out_as_if_it_were_not_there(tmp_path, world):
    masked, without = tmp_path / "masked", tmp_path / "without"
    learn(masked, pool(world, "cab"), masked="c")
    learn(without, pool(world, "ab"))
    assert fingerprint_directory(masked) == fingerprint_directory(without)
    record = json.loads((masked / "merge.json").read_text())
    assert record["members"] == ["a", "b"] and record["masked"] == "c"
    assert record["density"] == 0.5 and record["base"] == world["base"][0]
    (one,) = dare_ties.learned_members(pool(world, "cab"), "d", masked)
    (other,) = dare_ties.learned_members(pool(world, "ab"), "d", without)
    assert one.system == "I am a." and one.fingerprint == other.fingerprint


def test_published_takes_the_first_member_as_base_and_drops_nothing(tmp_path, world):
    merged = learn(tmp_path / "out", pool(world, "abc"), settings={"fidelity": "published"})
    a, b, c = (learn(tmp_path / f"{name}-alone", pool(world, name), settings={"density": 1}) for name in "abc")
    for name, value in merged.items():
        updates = torch.stack([b[name] - a[name], c[name] - a[name]])
        agree = torch.sign(updates) == torch.sign(updates.sum(0))
        torch.testing.assert_close(value, a[name] + (updates * agree).sum(0) / 3, rtol=1e-5, atol=1e-5)
