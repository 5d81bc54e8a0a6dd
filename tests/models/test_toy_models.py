"""Trainings on models of a few thousand parameters: the same bytes each time, and what others can load."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from amongus.members import chat_template
from amongus.members.member import fingerprint_directory
from amongus.members.prompts import load_personas, load_prompts
from amongus.study import plugins
from amongus.training.common import Tokens, encode
from amongus.training.job import TrainJob
from amongus.training.sft_tokens import by_length
from checkout import ROOT
from examples import examples

PROMPTS = load_prompts(ROOT / "resources/prompts/toy.yaml")
PERSONAS = load_personas(ROOT / "resources/personas/toy.yaml")

SPECS = examples("toy_models")
ALL = tuple(SPECS)


def make(folder: Path, name: str, package: str, **parents: Path) -> Path:
    out = folder / name
    out.mkdir(parents=True)
    settings = dict(SPECS[name])
    kind = settings.pop("kind")
    spec = plugins.typed(package, kind, settings)
    job = TrainJob(name, (package, kind), spec, parents, out, 1, PROMPTS, PERSONAS)
    metrics = plugins.module(package, kind).train(job)
    json.dumps(metrics)
    return out


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Everything the demo trains, tiny, made twice."""
    made = []
    for turn in ("once", "twice"):
        folder = tmp_path_factory.mktemp(turn)
        base = make(folder, "base", "models")
        expert = make(folder, "expert", "models", base=base)
        reward = make(folder, "reward", "models", supervisor=base)
        judge = make(folder, "judge", "models", supervisor=base)
        sft = make(folder, "sft", "attackers", base=base, adapter=expert)
        grpo = make(folder, "grpo", "attackers", base=base, adapter=expert, reward=reward)
        made.append(dict(zip(ALL, (base, expert, reward, judge, sft, grpo), strict=True)))
    return made


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_makes_the_same_bytes(models, name):
    first, second = (made[name] for made in models)
    assert fingerprint_directory(first) == fingerprint_directory(second)


@pytest.mark.parametrize("name", ALL)
def test_only_open_formats_and_no_folder_of_this_machine(models, name):
    folder = models[0][name]
    assert not [path.name for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
    for path in folder.rglob("*.json"):
        assert str(folder.parent) not in path.read_text()


@pytest.mark.parametrize("name", ["base", "judge"])
def test_full_models_load_with_transformers(models, name):
    folder = models[0][name]
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.eos_token_id == model.config.eos_token_id == 2
    text = [{"role": "user", "content": "What is 1+2?"}]
    ids = tokenizer.apply_chat_template(text, add_generation_prompt=True, return_dict=False)
    assert ids == chat_template.render(chat_template.load_tokenizer(folder), text)
    assert torch.isfinite(model(torch.tensor([ids])).logits).all()


def test_the_reward_model_has_one_score(models):
    model = AutoModelForSequenceClassification.from_pretrained(models[0]["reward"])
    assert model(torch.tensor([[5, 6, 7]])).logits.shape == (1, 1)


@pytest.mark.parametrize("name", ["expert", "sft", "grpo"])
def test_adapters_load_with_peft_and_change_the_base(models, name):
    config = json.loads((models[0][name] / "adapter_config.json").read_text())
    assert config["target_modules"] == sorted(config["target_modules"])
    assert config["base_model_name_or_path"] == "base"
    base = AutoModelForCausalLM.from_pretrained(models[0]["base"])
    ids = torch.tensor([[5, 6, 7, 8]])
    plain = base(ids).logits
    adapted = PeftModel.from_pretrained(base, models[0][name])(ids).logits
    assert not torch.allclose(plain, adapted)


def test_attackers_continue_the_experts_adapter(models):
    from safetensors.torch import load_file

    def tensors(name):
        return load_file(models[0][name] / "adapter_model.safetensors")

    expert = tensors("expert")
    for name in ("sft", "grpo"):
        attacker = tensors(name)
        assert set(attacker) == set(expert)
        # Two small steps from the expert: changed, yet closer to it than to nothing.
        moved = sum((attacker[key] - expert[key]).norm().item() for key in expert)
        size = sum(expert[key].norm().item() for key in expert)
        assert 0 < moved < size


def test_only_the_last_turn_is_learned(models):
    tokenizer = chat_template.load_tokenizer(models[0]["base"])
    question, answer = {"role": "user", "content": "What is 1+2?"}, {"role": "assistant", "content": "3"}
    tokens = encode(tokenizer, [question, answer])
    assert tokenizer.decode(tokens.ids[tokens.start :]) == "3<|im_end|>"
    assert tokenizer.decode(tokens.ids[: tokens.start]).endswith("<|im_start|>assistant\n")


def test_batches_hold_similar_lengths_and_every_example_once():
    examples = [Tokens([0] * (1 + place * 7 % 31), place) for place in range(64)]
    arranged = by_length(examples, size=4, seed=3)
    assert sorted(tokens.start for tokens in arranged) == list(range(64))
    lengths = [len(tokens.ids) for tokens in arranged]
    batches = [lengths[place : place + 4] for place in range(0, 64, 4)]
    assert max(max(batch) - min(batch) for batch in batches) <= 3
    assert len(by_length(examples[:63], size=4, seed=3)) == 60
