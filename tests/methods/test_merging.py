"""Merged weights against peft's own merge and plain arithmetic."""

import json
import shutil
import weakref
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, GPT2Config

import tiny
from amongus.core.errors import StudyError
from amongus.inference.loading import Models
from amongus.inference.streams import canonical
from amongus.members.chat_template import load_tokenizer
from amongus.members.member import Member
from amongus.methods._merging import average, consensus, drop, mean, merge


@pytest.fixture
def base(tmp_path):
    return tiny.checkpoint(tmp_path / "base")


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def member(name, base, adapter=None):
    return Member(name, base, adapter=adapter)


def merged_by_peft(base, adapter):
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).merge_and_unload()
    return dict(model.named_parameters())


def test_the_average_equals_the_mean_of_merged_and_full_checkpoints(tmp_path, base, out):
    adapters = [tiny.adapter(tmp_path / name, base, seed) for seed, name in enumerate("xyz")]
    other = tiny.checkpoint(tmp_path / "other", seed=5)
    average([*(member(a, base, a) for a in adapters), member("other", other)], out)
    loaded = dict(AutoModelForCausalLM.from_pretrained(out).named_parameters())
    experts = [merged_by_peft(base, adapter) for adapter in adapters]
    experts.append(dict(AutoModelForCausalLM.from_pretrained(other).named_parameters()))
    moved = 0
    for name, value in loaded.items():
        mean = torch.stack([expert[name] for expert in experts]).mean(0)
        torch.testing.assert_close(value, mean, rtol=1e-5, atol=1e-6)
        moved += not torch.equal(value, load_file(tmp_path / "base" / "model.safetensors").get(name, value))
    assert moved


def test_one_member_stays_itself_and_brings_config_and_tokenizer(base, out):
    average([member("a", base)], out)
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {path.name for path in out.iterdir()}
    first, copied = (load_file(f"{folder}/model.safetensors") for folder in (base, out))
    assert first.keys() == copied.keys()
    assert all(torch.equal(first[name], copied[name]) for name in first)


def test_large_merges_are_sharded_and_load(base, out, monkeypatch):
    monkeypatch.setattr("amongus.methods._merging._SHARD_BYTES", 20_000)
    average([member("a", base)], out)
    assert len(list(out.glob("model-*-of-*.safetensors"))) > 1
    loaded = AutoModelForCausalLM.from_pretrained(out).state_dict()
    for name, value in AutoModelForCausalLM.from_pretrained(base).state_dict().items():
        assert torch.equal(loaded[name], value)


def test_dtypes_are_the_bases(tmp_path, base, out):
    path = tmp_path / "base" / "model.safetensors"
    save_file({k: v.to(torch.bfloat16) for k, v in load_file(path).items()}, path, metadata={"format": "pt"})
    seen = []
    merge([member("a", base)], out, lambda name, reads: seen.append(reads[0]().dtype) or reads[0]())
    assert set(seen) == {torch.float32}
    assert {v.dtype for v in load_file(out / "model.safetensors").values()} == {torch.bfloat16}


@pytest.mark.parametrize("fault", ["use_dora", "of another base", "shape", "half"])
def test_an_adapter_that_cannot_be_merged_is_refused(tmp_path, base, fault):
    adapter = tiny.adapter(tmp_path / "x", base)
    settings, path = tmp_path / "x" / "adapter_config.json", tmp_path / "x" / "adapter_model.safetensors"
    tensors, key = load_file(path), "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"
    changed = {
        "of another base": {name.replace("layers.0", "layers.9"): value for name, value in tensors.items()},
        "shape": {**tensors, key: tensors[key][:-1]},
        "half": {name: value for name, value in tensors.items() if name != key},
    }
    if fault in changed:
        save_file(changed[fault], path)
    else:
        settings.write_text(json.dumps({**json.loads(settings.read_text()), fault: True}))
    words = {"shape": "shape", "half": "weight", "of another base": "weight"}
    with pytest.raises(StudyError, match=words.get(fault, fault)):
        average([member("a", base, adapter)], tmp_path)


@pytest.mark.parametrize("change", [{"num_hidden_layers": 2}, {"intermediate_size": 48}])
def test_checkpoints_of_other_shapes_are_refused(tmp_path, base, change):
    other = tiny.checkpoint(tmp_path / "other", **change)
    with pytest.raises(StudyError, match="tensors differ"):
        average([member("a", base), member("b", other)], tmp_path)


def stored_apart(base, folder, change=0.0):
    """A copy of a tied checkpoint that stores the head too, and a buffer that no model reads any more."""
    folder = Path(shutil.copytree(base, folder))
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"] + change
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


def logits(folder):
    return AutoModelForCausalLM.from_pretrained(folder).eval()(torch.tensor([[1, 40, 50]])).logits


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("change", [0.0, 0.5])
def test_a_tied_head_may_be_stored_or_not(tmp_path, base, out, first, change):
    members = [member("a", base), member("b", stored_apart(tiny.checkpoint(tmp_path / "b", 5), tmp_path / "c", change))]
    average(members[first:] + members[:first], out)
    merged = AutoModelForCausalLM.from_pretrained(out).state_dict()
    both = [AutoModelForCausalLM.from_pretrained(one.base).state_dict() for one in members]
    for name, value in merged.items():
        torch.testing.assert_close(value, (both[0][name] + both[1][name]) / 2)
    assert ("lm_head.weight" in load_file(out / "model.safetensors")) == bool(change)


def test_what_the_index_does_not_name_is_not_read(tmp_path, base, out):
    sharded, expected = tmp_path / "sharded", logits(base)
    AutoModelForCausalLM.from_pretrained(base).save_pretrained(sharded, max_shard_size="20kB")
    left = {"model.embed_tokens.weight": torch.zeros(tiny.tokenizer().vocab_size, tiny.WIDTH)}
    save_file(left, sharded / "model-00099-of-00099.safetensors", metadata={"format": "pt"})
    average([member("a", str(sharded))], out)
    assert torch.equal(logits(out), expected)


@pytest.mark.parametrize("kind", ["llama", "tied head", "patterns", "gpt2"])
def test_an_adapter_of_any_linear_layer_merges_as_the_engine_and_peft_run_it(tmp_path, kind, out):
    from peft import LoraConfig, get_peft_model

    base = tiny.checkpoint(tmp_path / "base", tie_word_embeddings=kind == "tied head")
    settings = {"target_modules": ["q_proj", "lm_head"]}
    if kind == "patterns":
        settings = {
            "target_modules": "all-linear",
            "rank_pattern": {"q_proj": 2},
            "alpha_pattern": {"layers.1.*.up_proj": 3},
        }
    if kind == "gpt2":
        config = GPT2Config(vocab_size=340, n_embd=tiny.WIDTH, n_layer=2, n_head=2, initializer_range=0.3)
        AutoModelForCausalLM.from_config(config).save_pretrained(base)
        settings = {"target_modules": ["c_attn", "c_proj", "lm_head"], "use_rslora": True}
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(base)
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, init_lora_weights=False, **settings)).eval()
    model.save_pretrained(tmp_path / "adapter")
    expected = model(torch.tensor([[1, 40, 50]])).logits
    adapted = member("a", base, str(tmp_path / "adapter"))
    average([adapted], out)
    torch.testing.assert_close(logits(out), expected, rtol=1e-4, atol=1e-4)
    run = canonical(Models().weights(adapted, load_tokenizer(base)), [1, 40, 50])
    torch.testing.assert_close(run, expected[:, -1, : run.shape[1]], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("what", ["embeddings", "base"])
def test_an_adapter_that_changes_more_than_linear_layers_is_named_so(tmp_path, base, what):
    adapter = tiny.adapter(tmp_path / "x", base)
    path = tmp_path / "x" / "adapter_model.safetensors"
    prefix, tensors = "base_model.model.", load_file(path)
    if what == "base":
        tensors[f"{prefix}model.layers.0.self_attn.q_proj.base_layer.weight"] = torch.ones(tiny.WIDTH, tiny.WIDTH)
    else:
        tensors[f"{prefix}model.embed_tokens.lora_embedding_A"] = torch.ones(4, 300)
    save_file(tensors, path)
    words = {"base": "q_proj.base_layer.weight (differs|is not)", "embeddings": "embeddings and whole layers"}
    for use in (lambda one: average([one], tmp_path), lambda one: Models().weights(one, load_tokenizer(base))):
        with pytest.raises(StudyError, match=words[what]):
            use(member("a", base, adapter))


class Peak(TorchDispatchMode):
    """The largest number of bytes that tensors made under it held at a time, temporaries too."""

    def __init__(self):
        super().__init__()
        self.alive, self.most = [], 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = result if isinstance(result, list | tuple) else [result]
        self.alive += [weakref.ref(one) for one in made if isinstance(one, torch.Tensor) and not one.is_meta]
        self.alive = [one for one in self.alive if one() is not None]
        held = {one().untyped_storage().data_ptr(): one().untyped_storage().nbytes() for one in self.alive}
        self.most = max(self.most, sum(held.values()))
        return result


def reader(seed, size):
    return lambda: torch.randn(size, generator=torch.Generator().manual_seed(seed))


def peak(combine, count, size):
    """Peak bytes of `combine` over `count` readers, in float32 tensors of one member."""
    with Peak() as seen:
        combine([reader(seed, size) for seed in range(count)])
    return seen.most / (4 * size)


def test_the_tracker_sees_what_is_held():
    assert peak(lambda reads: torch.stack([read() for read in reads]), 5, 1000) == 10


def test_an_average_holds_two_tensors_however_many_members():
    assert [peak(mean, count, 1000) for count in (2, 6, 12)] == [2, 2, 2]


@pytest.mark.parametrize("density", [0.5, 1.0])
@pytest.mark.parametrize("count", [2, 6, 12])
def test_a_consensus_holds_three_tensors_and_masks_however_many_members(count, density, monkeypatch):
    monkeypatch.setattr("amongus.methods._merging._DRAW", 10)

    def combine(reads):
        return consensus(reader(99, 1000), reads, density, range(count))

    # Three float32 tensors and up to three of truth values, a quarter of the size each.
    assert peak(combine, count, 1000) <= 3.75


def test_a_merge_holds_one_shard_and_a_few_tensors_however_many_members(tmp_path, monkeypatch):
    members = [member(str(seed), tiny.checkpoint(tmp_path / str(seed), seed)) for seed in range(6)]
    sizes = [4 * value.numel() for value in load_file(f"{members[0].base}/model.safetensors").values()]
    monkeypatch.setattr("amongus.methods._merging._SHARD_BYTES", max(sizes))
    most = {}
    for count in (2, 6):
        (tmp_path / f"out-{count}").mkdir()
        with Peak() as seen:
            average(members[:count], tmp_path / f"out-{count}")
        most[count] = seen.most
    # A shard is as large as the largest tensor here: less than one model.
    assert most[2] == most[6] <= 3 * max(sizes) < sum(sizes)


@pytest.mark.parametrize("density", [0.2, 0.5, 0.9])
def test_drop_keeps_the_right_share_and_rescales_it(density):
    size, seeds = 50_000, range(20)
    bound = 4.5 * (density * (1 - density) / size) ** 0.5
    for seed in seeds:
        dropped = drop(torch.ones(size), density, seed)
        assert set(dropped.tolist()) == {0.0, torch.tensor(1 / density).item()}
        assert abs((dropped != 0).double().mean().item() - density) < bound


def test_a_mask_is_its_seeds_alone():
    first, again, other = (drop(torch.ones(40, 30), 0.5, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(drop(torch.ones(1200), 0.5, 1), first.view(-1))


def test_signs_are_elected_by_the_sum_and_the_rest_is_left_out():
    rows = [[3.0, 1.0, 0.0, -2.0, 1.0], [-1.0, 1.0, 0.0, -1.0, -1.0], [-1.0, -3.0, 0.0, 6.0, 0.0]]
    reads = [lambda row=row: torch.tensor(row) + 10 for row in rows]
    merged = consensus(lambda: torch.full((5,), 10.0), reads, 1.0, [0, 0, 0])
    torch.testing.assert_close(merged - 10, torch.tensor([3.0, -3.0, 0.0, 6.0, 1.0]) / 3)
