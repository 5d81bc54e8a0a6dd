"""The requests that methods say they send, against those that a scripted engine receives."""

import sys
from types import SimpleNamespace

import pytest

import teams
from amongus.members.member import Member
from amongus.members.prompts import load_prompts
from amongus.methods import _merged, graph_router, llm_router
from amongus.study import plugins
from checkout import ROOT
from fakes import ScriptedEngine

ROWS = 2
PROMPTS = load_prompts(ROOT / "resources" / "prompts" / "toy.yaml")
QUESTIONS = [f"question {row}?" for row in range(ROWS)]
CASES = [
    ("llm_router", {}),
    ("llm_router", {"trainings": 3}),
    ("graph_router", {"embedder": "base", "epochs": 1, "halves": 2, "trainings": 2}),
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
        "settings": plugins.typed("methods", method, settings),
        "prompts": PROMPTS,
        "questions": QUESTIONS,
        "responses": {member: ["text"] * ROWS for member in pool},
        "dev": {member: -place for place, member in enumerate(pool)},
        "members": {member: Member(member, "base") for member in pool},
        "models": {"base": "base", "embedder": "embedder"},
    }
    return teams.task(pool, ROWS, **{**fields, **changes})


def lesson(team, respond):
    return teams.lesson(
        team.members,
        ROWS,
        **{name: getattr(team, name) for name in ("settings", "prompts", "questions", "models")},
        scores={member: [1.0] * ROWS for member in team.pool},
        lengths={member: [1, 2] for member in team.pool},
        respond=respond,
        score=lambda texts: [1.0 for _ in texts],
    )


@pytest.fixture(autouse=True)
def no_models(monkeypatch):
    """Merges, a router's training and embeddings make nothing: only requests count here."""
    import torch

    merging = SimpleNamespace(average=lambda *_: None, merge=lambda *_: None, consensus=None)
    monkeypatch.setitem(sys.modules, "amongus.methods._merging", merging)
    monkeypatch.setattr(llm_router, "_train", lambda *_: None)
    monkeypatch.setattr(_merged, "merged_member", lambda *_: Member("merged", "merged"))
    monkeypatch.setattr(graph_router, "embed", lambda folder, texts: torch.ones(len(texts), 4))


def played(method, number, settings, folder, masked=None):
    """The requests of a team about two questions: while it learns, and on test."""
    module, engine, dev = plugins.module("methods", method), ScriptedEngine("text", "text"), []
    pool = members(number)
    team = task(method, pool, settings)
    if hasattr(module, "learn"):

        def respond(member):
            dev.extend(QUESTIONS)
            return ["text"] * ROWS

        module.learn(lesson(team, respond), folder)
        team = task(method, pool, settings, learned=folder)

    def defend(candidates, own=None):
        return [masked if masked in team else None for team in candidates]

    outcomes = module.collaborate(team, engine, defend)
    assert len(outcomes) == ROWS
    return {"dev": len(dev), "test": len(engine.asked)}


def stated(method, number, settings):
    """What the method says of as many questions."""
    typed = plugins.typed("methods", method, settings)
    counts = plugins.module("methods", method).request_counts(number, typed)
    return {split: ROWS * counts.get(split, 0) for split in ("dev", "test")}


@pytest.mark.parametrize("number", [2, 3, 6])
@pytest.mark.parametrize(("method", "settings"), CASES)
def test_undefended_teams_send_what_their_method_says(method, settings, number, tmp_path):
    assert played(method, number, settings, tmp_path) == stated(method, number, settings)


@pytest.mark.parametrize("masked", ["m0", "m2"])
@pytest.mark.parametrize(("method", "settings"), CASES)
def test_a_masked_member_makes_it_no_more(method, settings, masked, tmp_path):
    assert played(method, 3, settings, tmp_path, masked)["test"] <= stated(method, 3, settings)["test"]
