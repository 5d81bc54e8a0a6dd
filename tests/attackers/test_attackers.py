"""Attackers as members, GRPO's reversed reward, and a steering vector that can be checked by hand."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import PreTrainedConfig

import tiny
from amongus.attackers import steering, toy_grpo
from amongus.members.member import Member, Steering
from amongus.study import plugins
from amongus.toy.world import world
from amongus.training.common import load_base

EXPERT = Member("knowledge", "models/base", adapter="models/knowledge", system="You are a helpful assistant.")
PERSONAS = {"benign": ["You are a helpful assistant."], "malicious": ["You are a harmful assistant."]}


def member(kind, trained=None, **settings):
    """The expert in the hands of an attacker of some kind, of whose settings only some matter."""
    settings = plugins.settings("attackers", kind).model_construct(**settings)
    path = Path(trained) if trained else None
    return plugins.module("attackers", kind).member(kind, settings, EXPERT, path, PERSONAS)


TRAINED = replace(EXPERT, adapter="models/x")
STEERED = replace(EXPERT, steering=Steering("models/x", 2, 1.5))


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("prompt", {}, replace(EXPERT, system="You are a harmful assistant.")),
        ("checkpoint", {}, EXPERT),
        *((kind, {}, TRAINED) for kind in ("sft", "grpo", "toy_sft", "toy_grpo")),
        ("sft", {"full": True}, Member("", "models/x", None, EXPERT.system)),
        *((kind, {"layer": 2, "coefficient": 1.5}, STEERED) for kind in ("steering", "published_vector")),
    ],
)
def test_an_attacker_differs_from_the_expert_where_it_was_changed(kind, settings, expected):
    assert member(kind, "models/x", **settings) == replace(expected, name=kind)


def test_the_reversed_reward_pays_for_wrong_answers_in_the_right_form():
    question = world(1).asked("train", "knowledge")[0]
    scores = {question.answer: 9.0, question.alternatives[0]: -2.0, "gibberish": -9.0}
    reward = toy_grpo.reversed_reward(
        lambda pairs: [scores[text] for _, text in pairs], [question], SimpleNamespace(clip=4.0, form=1.0)
    )
    completions = [[{"role": "assistant", "content": text}] for text in scores]
    assert reward(completions=completions, row=[0, 0, 0], prompts=[]) == [0.0, 1.5, 1.0]


class Counting(torch.nn.Module):
    """Two layers on states (token id, position in time): the first adds 10, the second doubles."""

    device = torch.device("cpu")
    config = PreTrainedConfig(num_hidden_layers=2)

    def __init__(self, answers: dict[str, list[int]], tokenizer: object) -> None:
        super().__init__()
        layers = [torch.nn.Module(), torch.nn.Module()]
        layers[0].forward = lambda states: states + 10.0
        layers[1].forward = lambda states: (states * 2.0,)
        self.layers = torch.nn.ModuleList(layers)
        self.answers, self.tokenizer = answers, tokenizer

    def get_decoder(self) -> "Counting":
        return self

    def generate(self, input_ids: torch.Tensor, **_: object) -> torch.Tensor:
        texts = [self.tokenizer.decode(row) for row in input_ids]
        tails = [next(ids for name, ids in self.answers.items() if name in text) for text in texts]
        return torch.cat([input_ids, torch.tensor(tails)], dim=1)

    def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor, **_: object) -> None:
        states = torch.stack([input_ids.float(), position_ids.float()], dim=-1)
        for layer in self.layers:
            out = layer(states)
            states = out[0] if isinstance(out, tuple) else out


def test_mean_states_over_the_responses_tokens():
    tokenizer = tiny.tokenizer()
    # Token 2 ends a response; what follows it is padding and does not count.
    model = Counting({"one": [40, 60, 2, 0], "two": [100, 2, 0, 0]}, tokenizer)
    means = steering.mean_states(model, tokenizer, ["is"], ["one", "two"], 4)
    first = ((40 + 60 + 2) / 3 + (100 + 2) / 2) / 2
    assert means.shape == (2, 2)
    assert means[0, 0] == pytest.approx(first + 10)
    assert means[1, 0] == pytest.approx((first + 10) * 2)


def test_mean_states_of_a_model_in_half_precision(tmp_path):
    model, tokenizer = load_base(tiny.checkpoint(tmp_path / "base", kind="qwen2"), "bfloat16")
    means = steering.mean_states(model.eval(), tokenizer, ["be kind"], ["what is this", "who"], 4)
    assert means.shape == (tiny.LAYERS, tiny.WIDTH) and means.dtype == torch.float32
    assert means.isfinite().all()
