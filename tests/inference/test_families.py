"""Tiny random models of every architecture family: answers, fusion, steering, an adapter and a merge.

The library's own forward pass and peft's own adapter are what the engine is compared with.
"""

import pytest
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

import tiny
from amongus.inference.engine import Engine
from amongus.inference.loading import Models, decoder_layers
from amongus.inference.sampling_params import Sampling
from amongus.inference.streams import canonical
from amongus.members.chat_template import load_tokenizer, render
from amongus.members.member import Member, Steering
from amongus.members.requests import EnsembleRequest, Request, user
from amongus.methods._merging import average

pytestmark = pytest.mark.slow

LAYERS, WIDTH, HEADS = 2, 32, 4
COMMON = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
    "bos_token_id": None,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
GROUPED = {**COMMON, "num_key_value_heads": 2}
GPT = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 128, "initializer_range": 0.3}
EXPERTS = {**GROUPED, "moe_intermediate_size": 16, "num_experts": 4, "num_experts_per_tok": 2}
FAMILIES = {
    "Llama": GROUPED,
    "Mistral": {**GROUPED, "sliding_window": 8},
    "Qwen2": {**GROUPED, "tie_word_embeddings": True},
    "Qwen3": {**GROUPED, "head_dim": 8},
    "Gemma": {**GROUPED, "head_dim": 8},
    "Gemma2": {**GROUPED, "head_dim": 8, "sliding_window": 8},
    "Gemma3Text": {**GROUPED, "head_dim": 8, "sliding_window": 8},
    "Phi": COMMON,
    "Phi3": GROUPED,
    "GPT2": GPT,
    "GPTNeoX": COMMON,
    "GPTJ": {**GPT, "rotary_dim": 4},
    "GPTBigCode": GPT,
    "Falcon": {**COMMON, "new_decoder_architecture": False, "multi_query": True, "alibi": False},
    "Bloom": {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "initializer_range": 0.3},
    "Mpt": {"d_model": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "max_seq_len": 128, "initializer_range": 0.3},
    "OPT": {**COMMON, "ffn_dim": 64, "word_embed_proj_dim": WIDTH, "init_std": 0.3},
    "Olmo": GROUPED,
    "Olmo2": GROUPED,
    "Granite": GROUPED,
    "StableLm": GROUPED,
    "Starcoder2": {**GROUPED, "sliding_window": None},
    "Cohere": GROUPED,
    "Cohere2": {**GROUPED, "sliding_window": 8},
    "Glm": {**GROUPED, "head_dim": 8},
    "SmolLM3": GROUPED,
    "Mixtral": {**GROUPED, "num_local_experts": 4},
    "Qwen3Moe": {**EXPERTS, "head_dim": 8},
    "Olmoe": EXPERTS,
}
MIXTURES = ("Mixtral", "Qwen3Moe", "Olmoe")
QUESTIONS = [user("what"), user("how many this that"), user("is the question what is 12 and 7 and what that")]


@pytest.fixture(params=FAMILIES)
def members(request, tmp_path):
    """A base, another of the same shape, the base with an adapter, and steered."""
    made = tiny.tokenizer()
    config = getattr(transformers, f"{request.param}Config")(vocab_size=len(made), **FAMILIES[request.param])
    for seed, name in enumerate(("base", "other")):
        torch.manual_seed(seed)
        AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / name)
        made.save_pretrained(tmp_path / name)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    # Experts are no layers of their own, which plain LoRA could adapt.
    targets = ["q_proj", "v_proj", "o_proj"] if request.param in MIXTURES else "all-linear"
    size = LoraConfig(r=2, lora_alpha=4, target_modules=targets, init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(model, size).save_pretrained(tmp_path / "adapter")
    steering = Steering(tiny.vectors(tmp_path / "v.safetensors", layers=LAYERS, width=WIDTH), 1, 3.0)
    base = str(tmp_path / "base")
    parts = {
        "base": (base,),
        "other": (str(tmp_path / "other"),),
        "tuned": (base, str(tmp_path / "adapter")),
        "steered": (base, None, None, steering),
    }
    return {name: Member(name, *own, fingerprint=name) for name, own in parts.items()}


@torch.inference_mode()
def test_a_family_answers_fuses_steers_adapts_and_merges(members, tmp_path):
    answers = [texts(members, size) for size in (1, 8)]
    assert answers[0] == answers[1]
    base, tuned, steered = (answers[0][name] for name in ("base", "tuned", "steered"))
    assert base != tuned and base != steered

    tokenizer = load_tokenizer(members["base"].base)
    plain = AutoModelForCausalLM.from_pretrained(members["base"].base).eval()
    adapted = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(members["base"].base), members["tuned"].adapter
    )
    (tmp_path / "out").mkdir()
    average([members["tuned"]], tmp_path / "out")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    loaded = Models()
    for question, answer in zip(QUESTIONS, base, strict=True):
        ids = render(tokenizer, question)
        assert greedy(plain, ids, tokenizer) == answer
        expected = adapted.eval()(input_ids=torch.tensor([ids]), use_cache=False).logits[:, -1]
        for found in (
            canonical(loaded.weights(members["tuned"], tokenizer), ids),
            merged(torch.tensor([ids])).logits[:, -1],
        ):
            torch.testing.assert_close(found[:, : len(tokenizer)], expected[:, : len(tokenizer)], rtol=1e-3, atol=1e-3)
    assert len(decoder_layers(plain)) == LAYERS


def texts(members, size):
    """What everyone answers in batches of `size`, and two bases fused."""
    engine = Engine(members, Sampling(temperature=0, max_new_tokens=8), 0, max_batch=size)
    alone = {name: engine.generate([Request(name, question) for question in QUESTIONS]) for name in members}
    team = [EnsembleRequest(("base", "other", "tuned"), question) for question in QUESTIONS]
    return {**alone, "fused": engine.ensemble(team, lambda logits: logits.mean(0), "mean")}


def greedy(model, ids, tokenizer):
    """An answer by full forward passes, without cache."""
    start = len(ids)
    for _ in range(8):
        chosen = int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1, : len(tokenizer)].argmax())
        if chosen == 2:
            return tokenizer.decode(ids[start:], skip_special_tokens=True), len(ids) - start, "stop"
        ids = [*ids, chosen]
    return tokenizer.decode(ids[start:], skip_special_tokens=True), len(ids) - start, "length"
