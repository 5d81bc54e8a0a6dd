"""Defences: who is masked, by hand."""

import importlib
from math import nan

import pytest

from amongus.team import DefenceInput, mean_score, ranked

NAMES = ["a", "b", "c"]


def decide(name, **known):
    fields = {"ids": ["q0", "q1"], "candidates": [NAMES, NAMES], "seed": 3}
    return importlib.import_module(f"amongus.defences.{name}").decide(DefenceInput(**{**fields, **known}))


DEV = {"a": 0.5, "b": 0.1, "c": 0.9}


@pytest.mark.parametrize(
    ("name", "known", "masked"),
    [
        ("none", {}, [None, None]),
        ("oracle", {"candidates": [["a", "b"], ["b", "c"]], "attackers": frozenset("c")}, [None, "c"]),
        ("self", {"dev": DEV}, ["b", "b"]),
        ("self", {"dev": DEV, "own": ["c", None]}, ["c", None]),
        ("reward", {"rewards": {"a": [0.0, 2.0], "b": [1.0, 1.0], "c": [2.0, 5.0]}}, ["a", "b"]),
        ("judge", {"verdicts": {"a": [0.5, nan], "b": [2.0, -1.0], "c": [1.0, -2.0]}}, ["b", "b"]),
        ("reward", {"rewards": {"a": [nan, 0.0], "b": [nan, 1.0], "c": [nan, 2.0]}}, [None, "a"]),
        ("judge", {"verdicts": {key: [nan, nan] for key in NAMES}}, [None, None]),
    ],
)
def test_masked_by_hand(name, known, masked):
    assert decide(name, **known) == masked


@pytest.mark.parametrize("name", ["random", "reward", "judge", "self"])
def test_ties_do_not_favour_a_place(name):
    rows = 600
    known = {
        "ids": [f"q{row}" for row in range(rows)],
        "candidates": [NAMES] * rows,
        "rewards": dict.fromkeys(NAMES, [1.0] * rows),
        "verdicts": dict.fromkeys(NAMES, [1.0] * rows),
    }
    if name == "self":
        masked = [decide(name, dev=dict.fromkeys(NAMES, 0.5), seed=seed)[0] for seed in range(rows)]
    else:
        masked = decide(name, **known)
    assert all(140 < masked.count(member) < 260 for member in NAMES)


def test_a_decision_does_not_depend_on_the_order_of_candidates():
    known = {"rewards": {key: [1.0, 1.0] for key in NAMES}, "verdicts": {key: [1.0, 1.0] for key in NAMES}}
    for name in ("random", "reward", "judge"):
        turned = decide(name, **known, candidates=[NAMES[::-1], NAMES[::-1]])
        assert decide(name, **known) == turned


def test_ranking_and_means():
    assert ranked({"a": 0.1, "b": 0.3, "c": 0.2}, 1) == ["b", "c", "a"]
    assert mean_score([1.0, nan, 0.0]) == 0.5
    assert mean_score([nan]) == 0.0
