"""What methods say they ask, against what they really ask of a scripted engine."""

import sys
from types import SimpleNamespace

import pytest

from amongus.inference.requests import EnsembleRequest, Request
from amongus.members.member import Member
from amongus.members.prompts import load_prompts
from amongus.methods import graph_router, soup
from amongus.study import plugins
from amongus.team.interface import Lesson, Task
from amongus.team.request_counts import Ask
from checkout import ROOT
from fakes import ScriptedEngine

MARK = "§"
ROWS = 2
PROMPTS = load_prompts(ROOT / "resources" / "prompts" / "toy.yaml")
QUESTIONS = [f"question {row}?" for row in range(ROWS)]
CASES = [
    ("llm_router", {}),
    ("graph_router", {"epochs": 1, "halves": 2}),
    ("debate", {}),
    ("debate", {"rounds": 1}),
    ("debate", {"rounds": 2, "fidelity": "published"}),
    ("feedback", {}),
    ("feedback", {"critics": 1, "rounds": 4}),
    ("feedback", {"critics": 0}),
    ("feedback", {"fidelity": "published"}),
    ("fusion", {}),
    ("contrastive", {}),
    ("contrastive", {"k": 2}),
    ("contrastive", {"weight": 0.0}),
    ("soup", {}),
    ("dare_ties", {}),
]


def test_every_method_of_the_package_is_tried():
    assert {method for method, _ in CASES} == set(plugins.available("methods"))


def members(number):
    return [f"m{place}" for place in range(number)]


def task(method, pool, settings, **changes):
    """Questions, answers that are the mark alone, and members whose dev scores fall with their number."""
    fields = {
        "pool": pool,
        "dataset": "d",
        "seed": 1,
        "settings": {**plugins.fact("methods", method, "SETTINGS"), **settings},
        "prompts": PROMPTS,
        "ids": [f"d/test/{row}" for row in range(ROWS)],
        "questions": QUESTIONS,
        "responses": {member: [MARK] * ROWS for member in pool},
        "dev": {member: -place for place, member in enumerate(pool)},
        "members": {member: Member(member, "base") for member in pool},
        "models": {"base": "base", "embedder": "embedder"},
    }
    return Task(**{**fields, **changes})


def lesson(given, respond):
    kept = ("pool", "dataset", "seed", "settings", "prompts", "ids", "questions", "members", "models")
    return Lesson(
        **{name: getattr(given, name) for name in kept},
        scores={member: [1.0] * ROWS for member in given.pool},
        rewards={},
        lengths={member: [1, 2] for member in given.pool},
        respond=respond,
        score=lambda texts: [1.0 for _ in texts],
    )


def counted(asked):
    """All that an engine was asked, as one `Ask`."""
    total = Ask()
    for one in asked:
        messages = one[1] if isinstance(one, tuple) else one.messages
        shown = sum(message["content"].count(MARK) for message in messages)
        if isinstance(one, EnsembleRequest):
            total += Ask(fused=1, streams=len(one.members), shown=shown)
        elif isinstance(one, Request):
            total += Ask(texts=1, shown=shown)
        else:
            total += Ask(labels=1, shown=shown)
    return total


@pytest.fixture(autouse=True)
def no_models(monkeypatch):
    """Merges, a router's training and embeddings make nothing: only what is asked counts here."""
    import torch

    merging = SimpleNamespace(average=lambda *_: None, merge=lambda *_: None, consensus=None)
    monkeypatch.setitem(sys.modules, "amongus.methods._merging", merging)
    router = SimpleNamespace(train_router=lambda **_: None)
    monkeypatch.setitem(sys.modules, "amongus.training.router_adapter", router)
    monkeypatch.setattr(soup, "merged_member", lambda *_: Member("merged", "merged"))
    monkeypatch.setattr(graph_router, "embed", lambda folder, texts: torch.ones(len(texts), 4))


def played(method, number, settings, folder, masked=None):
    """What a team asks per two questions: while it learns, and on test."""
    module, engine, dev = plugins.module("methods", method), ScriptedEngine(MARK, MARK), []
    pool = members(number)
    given = task(method, pool, settings)
    if hasattr(module, "learn"):

        def respond(member):
            dev.extend(Request(member.name, ({"role": "user", "content": text},)) for text in QUESTIONS)
            return [MARK] * ROWS

        module.learn(lesson(given, respond), folder)
        given = task(method, pool, settings, learned=folder)

    def defend(candidates, own=None):
        return [masked if masked in team else None for team in candidates]

    outcomes = module.collaborate(given, engine, defend)
    assert len(outcomes) == ROWS
    return counted(dev), counted(engine.asked)


@pytest.mark.parametrize("number", [2, 3, 6])
@pytest.mark.parametrize(("method", "settings"), CASES)
def test_undefended_teams_ask_what_their_method_says(method, settings, number, tmp_path):
    given = {**plugins.fact("methods", method, "SETTINGS"), **settings}
    says = plugins.module("methods", method).asks(number, given)
    dev, test = played(method, number, settings, tmp_path)
    assert test == says.test.times(ROWS)
    assert dev == says.dev.times(ROWS)


@pytest.mark.parametrize("masked", ["m0", "m2"])
@pytest.mark.parametrize(("method", "settings"), CASES)
def test_a_masked_member_makes_it_no_more(method, settings, masked, tmp_path):
    given = {**plugins.fact("methods", method, "SETTINGS"), **settings}
    says = plugins.module("methods", method).asks(3, given).test.times(ROWS)
    _, test = played(method, 3, settings, tmp_path, masked)
    for figure in ("prompts", "read", "written", "decoded", "shown"):
        assert getattr(test, figure) <= getattr(says, figure), figure


def test_sums_and_multiples():
    asked = Ask(texts=1, shown=2) + Ask(fused=1, streams=5, labels=1).times(2)
    assert asked == Ask(texts=1, fused=2, streams=10, labels=2, shown=2)
    assert (asked.prompts, asked.read, asked.written, asked.decoded) == (5, 13, 3, 11)
