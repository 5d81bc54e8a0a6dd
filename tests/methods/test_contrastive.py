"""Contrastive decoding: who counts how much, and that nothing to contrast with is the best member itself."""

import pytest
import torch

import teams
import tiny
from amongus.inference.engine import Engine
from amongus.inference.sampling_params import Sampling
from amongus.members.member import Member, Steering
from amongus.methods import contrastive, fusion
from amongus.team import Request, user
from fakes import ScriptedEngine
from teams import mask, no_defence


def task(pool="abc", **settings):
    return teams.task(pool, rows=2, questions=["Q?", "R?"], settings=contrastive.Settings(**settings))


@pytest.mark.parametrize(
    ("order", "weight", "k", "expected"),
    [
        ("abc", 0.2, 1, {"a": 1.2, "c": -0.2}),
        ("abcd", 0.5, 2, {"a": 1.5, "b": 0.5, "c": -0.5, "d": -0.5}),
        ("abc", 0.5, 2, {"a": 1.5, "c": -0.5}),
        ("abc", 0.0, 1, {"a": 1.0}),
        ("a", 0.2, 1, {"a": 1.0}),
    ],
)
def test_factors_by_hand(order, weight, k, expected):
    assert dict(contrastive.terms(list(order), weight, k)) == pytest.approx(expected)


def test_logits_are_summed_with_their_factors():
    logits = torch.tensor([[[1.0, 2.0]], [[10.0, 30.0]]])
    assert contrastive.combine(logits, (1.5, -0.5))[0].tolist() == [-3.5, -12.0]


def test_a_masked_member_is_neither_best_nor_worst():
    engine = ScriptedEngine()
    outcomes = contrastive.collaborate(task(), engine, mask("b", "a"))
    assert [request.members for request in engine.asked] == [("c", "a"), ("b", "c")]
    assert [outcome.masked for outcome in outcomes] == ["b", "a"]


def test_without_weight_the_best_on_dev_is_asked_as_ever():
    engine = ScriptedEngine("alone")
    outcomes = contrastive.collaborate(task(weight=0.0), engine, no_defence)
    assert engine.asked == [Request("b", user("Q?")), Request("b", user("R?"))]
    assert [outcome.text for outcome in outcomes] == ["alone", "alone"]


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contrastive")
    base = tiny.checkpoint(folder / "base")
    adapters = {name: tiny.adapter(folder / name, base, seed=seed) for seed, name in enumerate("abc", 1)}
    steering = {"a": Steering(tiny.vectors(folder / "v.safetensors"), 1, 2.0)}
    return {
        name: Member(name, base, adapter, f"You are {name}.", fingerprint=name, steering=steering.get(name))
        for name, adapter in adapters.items()
    }


def test_lockstep_equals_a_loop_that_reads_everything_anew(members):
    """The plain loop: each member's whole conversation through the model for every token, factors summed."""
    from amongus.inference.loading import Models
    from amongus.inference.streams import canonical
    from amongus.members.chat_template import render

    engine = Engine(members, Sampling(temperature=0, max_new_tokens=6), seed=3)
    outcomes = contrastive.collaborate(task(), engine, no_defence)
    models = Models()
    for question, outcome in zip(("Q?", "R?"), outcomes, strict=True):
        generated: list[int] = []
        for _ in range(6):
            logits = []
            for name, factor in (("b", 1.2), ("a", -0.2)):
                tokenizer = tiny.tokenizer()
                weights = models.weights(members[name], tokenizer)
                system = {"role": "system", "content": members[name].system}
                prompt = render(tokenizer, [system, {"role": "user", "content": question}])
                logits.append(factor * canonical(weights, prompt, generated)[0])
            token = int(sum(logits).argmax())
            if token in weights.base.stops:
                break
            generated.append(token)
        assert outcome.text == tokenizer.decode(generated, skip_special_tokens=True)


@pytest.mark.parametrize("method", [fusion, contrastive])
def test_published_members_have_neither_persona_nor_steering(members, method):
    bare = method.prepare(members, method.Settings(fidelity="published"))
    assert {(m.system, m.steering) for m in bare.values()} == {(None, None)}
    assert all(bare[name].fingerprint != members[name].fingerprint for name in members)
    assert method.prepare(members, method.Settings()) == members
