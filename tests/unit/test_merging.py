"""Merged weights against peft's own merge and plain arithmetic."""

import json

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import tiny
from amongus.errors import StudyError
from amongus.members import Member
from amongus.merging import average, merge


@pytest.fixture
def base(tmp_path):
    return tiny.checkpoint(tmp_path / "base")


def member(name, base, adapter=None):
    return Member(name, base, adapter=adapter)


def merged_by_peft(base, adapter):
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).merge_and_unload()
    return dict(model.named_parameters())


def test_the_average_equals_the_mean_of_merged_checkpoints(tmp_path, base):
    adapters = [tiny.adapter(tmp_path / name, base, seed) for seed, name in enumerate("xyz")]
    out = tmp_path / "out"
    out.mkdir()
    average([member(a, base, a) for a in adapters], out)
    loaded = dict(AutoModelForCausalLM.from_pretrained(out).named_parameters())
    experts = [merged_by_peft(base, adapter) for adapter in adapters]
    moved = 0
    for name, value in loaded.items():
        mean = torch.stack([expert[name] for expert in experts]).mean(0)
        torch.testing.assert_close(value, mean, rtol=1e-5, atol=1e-6)
        moved += not torch.equal(value, load_file(tmp_path / "base" / "model.safetensors").get(name, value))
    assert moved


def test_full_checkpoints_and_adapters_mix(tmp_path, base):
    other = tiny.checkpoint(tmp_path / "other", seed=5)
    out = tmp_path / "out"
    out.mkdir()
    average([member("a", base), member("b", other)], out)
    first, second = (load_file(f"{folder}/model.safetensors") for folder in (base, other))
    for name, value in load_file(out / "model.safetensors").items():
        torch.testing.assert_close(value, (first[name] + second[name]) / 2)


def test_one_member_stays_itself_and_brings_config_and_tokenizer(tmp_path, base):
    out = tmp_path / "out"
    out.mkdir()
    average([member("a", base)], out)
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {path.name for path in out.iterdir()}
    first, copied = (load_file(f"{folder}/model.safetensors") for folder in (base, out))
    assert first.keys() == copied.keys()
    assert all(torch.equal(first[name], copied[name]) for name in first)


def test_large_merges_are_sharded_and_load(tmp_path, base, monkeypatch):
    monkeypatch.setattr("amongus.merging._SHARD_BYTES", 20_000)
    out = tmp_path / "out"
    out.mkdir()
    average([member("a", base)], out)
    assert len(list(out.glob("model-*-of-*.safetensors"))) > 1
    loaded = AutoModelForCausalLM.from_pretrained(out).state_dict()
    for name, value in AutoModelForCausalLM.from_pretrained(base).state_dict().items():
        assert torch.equal(loaded[name], value)


def test_dtypes_are_the_bases(tmp_path, base):
    path = tmp_path / "base" / "model.safetensors"
    save_file({k: v.to(torch.bfloat16) for k, v in load_file(path).items()}, path, metadata={"format": "pt"})
    out = tmp_path / "out"
    out.mkdir()
    seen = []
    merge([member("a", base)], out, lambda name, tensors: seen.append(tensors[0].dtype) or tensors[0])
    assert set(seen) == {torch.float32}
    assert {v.dtype for v in load_file(out / "model.safetensors").values()} == {torch.bfloat16}


def test_an_adapter_of_another_base_is_refused(tmp_path, base):
    adapter = tiny.adapter(tmp_path / "x", base)
    path = tmp_path / "x" / "adapter_model.safetensors"
    renamed = {k.replace("layers.0", "layers.9"): v for k, v in load_file(path).items()}
    save_file(renamed, path)
    with pytest.raises(StudyError, match="belongs to no weight"):
        average([member("a", base, adapter)], tmp_path)


def test_an_adapter_with_more_than_lora_is_refused(tmp_path, base):
    adapter = tiny.adapter(tmp_path / "x", base)
    path = tmp_path / "x" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "use_dora": True}))
    with pytest.raises(StudyError, match="use_dora"):
        average([member("a", base, adapter)], tmp_path)


def test_checkpoints_of_other_shapes_are_refused(tmp_path, base):
    other = tiny.checkpoint(tmp_path / "other", num_hidden_layers=2)
    with pytest.raises(StudyError, match="tensors differ"):
        average([member("a", base), member("b", other)], tmp_path)
