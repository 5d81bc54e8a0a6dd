"""Loading checkpoints: adapters as in peft, steering as by hand, refusals in one line."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

import tiny
from amongus.core.errors import StudyError
from amongus.inference.loading import Models, read_vector
from amongus.inference.streams import canonical
from amongus.members.chat_template import load_tokenizer, render
from amongus.members.member import Member, Steering, write_fingerprint

PROMPT = [1, 40, 50, 60, 70]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("models")
    base = tiny.checkpoint(made / "base")
    tiny.adapter(made / "first", base)
    tiny.adapter(made / "second", base, seed=7, rank=2)
    tiny.vectors(made / "vectors.safetensors")
    return made


@pytest.fixture
def load(folder):
    pool = Models()
    tokenizer = load_tokenizer(folder / "base")

    def make(adapter=None, steering=None, base=folder / "base"):
        path = str(adapter) if adapter else None
        return pool.weights(Member("m", str(base), adapter=path, steering=steering), tokenizer)

    return make


@torch.inference_mode()
def test_adapters_are_those_of_peft_in_any_order(folder, load):
    for name in ("first", "second", None, "first"):
        model = LlamaForCausalLM.from_pretrained(folder / "base")
        if name:
            model = PeftModel.from_pretrained(model, folder / name).merge_and_unload()
        expected = model.eval()(input_ids=torch.tensor([PROMPT])).logits[:, -1]
        found = canonical(load(folder / name if name else None), PROMPT)
        assert torch.allclose(found, expected, atol=1e-4)
    assert (canonical(load(folder / "first"), PROMPT) - canonical(load(), PROMPT)).abs().max() > 0.1


def test_an_adapter_leaves_no_trace_in_the_base(folder, load):
    before = canonical(load(), PROMPT)
    canonical(load(folder / "second"), PROMPT)
    assert torch.equal(canonical(load(), PROMPT), before)


def test_vectors_with_a_row_for_the_embeddings_are_understood(tmp_path):
    rows = torch.arange(4.0)[:, None].expand(4, 5).contiguous()
    save_file({"v": rows}, tmp_path / "v.safetensors")
    with_embeddings = read_vector(Steering(str(tmp_path / "v.safetensors"), 3, 1.0), layers=3, width=5)
    without = read_vector(Steering(str(tmp_path / "v.safetensors"), 3, 1.0), layers=4, width=5)
    assert with_embeddings.tolist() == [3.0] * 5 and without.tolist() == [2.0] * 5


@pytest.mark.parametrize(
    ("name", "layer", "word"), [("missing", 1, "no such file"), ("vectors", 4, "layer 4"), ("wide", 1, "fit")]
)
def test_unfit_vectors_are_refused(folder, load, name, layer, word):
    tiny.vectors(folder / "wide.safetensors", width=33)
    with pytest.raises(StudyError, match=word):
        load(steering=Steering(str(folder / f"{name}.safetensors"), layer, 1.0))


def changed(folder, copy, **changes):
    """A copy of an adapter with other settings."""
    shutil.copytree(folder / "first", copy)
    path = copy / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return copy


@pytest.mark.parametrize("key", ["use_dora", "modules_to_save", "bias", "something_new", "peft_type"])
def test_adapters_of_other_kinds_are_refused(folder, load, tmp_path, key):
    value = {"modules_to_save": ["lm_head"], "bias": "all", "peft_type": "IA3"}.get(key, True)
    with pytest.raises(StudyError, match=key):
        load(changed(folder, tmp_path / "changed", **{key: value}))


@pytest.mark.parametrize("change", [{"target_modules": ["nowhere"]}, {"target_modules": ["q_proj"]}, {"r": 3}])
def test_adapters_that_do_not_fit_are_refused(folder, load, tmp_path, change):
    with pytest.raises(StudyError, match="not fit"):
        load(changed(folder, tmp_path / "changed", **change))


def test_an_adapter_made_here_whose_config_was_changed_is_not_used(folder, load, tmp_path):
    made = Path(shutil.copytree(folder / "first", tmp_path / "made"))
    write_fingerprint(made)
    load(made)
    path = made / "adapter_config.json"
    path.write_text(path.read_text().replace('"lora_alpha": 8', '"lora_alpha": 9'))
    with pytest.raises(StudyError, match=r"adapter_config\.json: damaged"):
        Models().weights(Member("m", str(folder / "base"), str(made)), load_tokenizer(folder / "base"))


def test_an_adapter_cannot_redirect_the_base(folder, load, tmp_path):
    moved = changed(folder, tmp_path / "moved", base_model_name_or_path="someone/else")
    assert torch.equal(canonical(load(moved), PROMPT), canonical(load(folder / "first"), PROMPT))


def test_checkpoints_that_cannot_be_used_are_refused(folder, tmp_path):
    def refused(change, message):
        copy = Path(shutil.copytree(folder / "base", tmp_path / message.replace(" ", "-")))
        change(copy)
        with pytest.raises(StudyError, match=message) as caught:
            Models().weights(Member("m", str(copy)), load_tokenizer(folder / "base"))
        assert "\n" not in str(caught.value) and str(copy) in str(caught.value)

    refused(lambda copy: (copy / "model.safetensors").rename(copy / "pytorch_model.bin"), "no safetensors")
    refused(lambda copy: (copy / "model.safetensors").write_bytes(b"junk"), "damaged safetensors")
    refused(lambda copy: _edit(copy, num_hidden_layers=4), "do not fit the architecture")
    refused(lambda copy: _edit(copy, model_type="unheard_of"), "cannot be loaded as a checkpoint")
    refused(lambda copy: tiny.checkpoint(copy, vocab_size=100), "the model 100 rows")


def test_ids_count_and_not_how_many_there_are(tmp_path):
    """A hole in the ids; an end of turns above it; a special token without a row, which no text can spell."""
    made = tiny.tokenizer()
    content = json.loads(made.backend_tokenizer.to_str())
    size = max(made.get_vocab().values()) + 1
    content["model"]["vocab"] |= {"<end>": size + 7, "<image>": size + 8}
    made = tiny.PreTrainedTokenizerFast(
        tokenizer_object=tiny.Tokenizer.from_str(json.dumps(content)),
        eos_token="<|im_end|>",
        chat_template=tiny.TEMPLATE,
    )
    made.add_special_tokens({"additional_special_tokens": ["<end>", "<image>"]})
    made.chat_template = tiny.TEMPLATE.replace("<|im_end|>", "<end>")
    end = made.convert_tokens_to_ids("<end>")
    assert len(made) < end
    base = tiny.checkpoint(tmp_path / "base", vocab_size=end + 1)
    made.save_pretrained(base)
    tokenizer = load_tokenizer(base)
    loaded = Models().weights(Member("m", base), tokenizer).base
    assert end in loaded.stops and loaded.vocabulary == end + 1
    assert max(render(tokenizer, [{"role": "user", "content": "<image>"}])) == end
    tiny.checkpoint(tmp_path / "small", vocab_size=end)
    with pytest.raises(StudyError, match=f"up to id {end}, the model {end}"):
        Models().weights(Member("m", str(tmp_path / "small")), tokenizer)


def _edit(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_stop_tokens_of_the_generation_config_count_where_the_tokenizer_knows_them(folder, tmp_path):
    copy = shutil.copytree(folder / "base", tmp_path / "copy")
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 5000], "top_k": 1}))
    assert Models().weights(Member("m", str(copy)), load_tokenizer(copy)).base.stops == [0, 2]
