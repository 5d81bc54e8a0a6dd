"""What supervisors read, and how a cell's answers are written."""

from math import isnan, nan
from types import SimpleNamespace

import pytest

import teams
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.core.tables import RUNS, read_table
from amongus.members.judge_prompts import judged, verdict
from amongus.members.prompts import Template
from amongus.report.cost_sidecars import write_cost
from amongus.team import DefenceInput, Outcome
from amongus.team.runner import play, write_outcomes


def test_the_judge_sees_question_answer_and_its_own_question():
    turns = judged("1+1?", "3", {"judge.pointwise": Template("Is this answer right?")})
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("user", "1+1?"),
        ("assistant", "3"),
        ("user", "Is this answer right?"),
    ]


def test_a_verdict_grows_with_the_surety_that_it_is_wrong():
    assert verdict([1.0, 3.0]) == 2.0
    assert isnan(verdict([nan, 1.0]))


def task(pool=("a", "b")):
    return teams.task(pool, ids=["q"])


def test_a_defence_is_asked_with_the_methods_candidates_and_doubt():
    def collaborate(task, engine, defend):
        (masked,) = defend([["b", "a"]], ["a"])
        return [Outcome("x", None, masked, ["b", "a"])]

    method = SimpleNamespace(collaborate=collaborate)
    known = DefenceInput(["q"], (), 1, dev={"a": 1.0, "b": 0.0}, attackers=frozenset("b"))
    assert play(task(), method, "self", known, None)[0].masked == "a"
    assert play(task(), method, "oracle", known, None)[0].masked == "b"


LOST, READ = {"a": [1.0], "b": [nan]}, {"a": [1.0], "b": [2.0]}


@pytest.mark.parametrize(
    ("known", "own", "unreadable"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"verdicts": READ, "rewards": READ}, False, False),
        ({"verdicts": LOST}, False, True),
        ({"rewards": LOST}, False, True),
        ({"verdicts": READ, "rewards": LOST}, False, True),
    ],
)
def test_what_could_not_be_read_is_counted(tmp_path, known, own, unreadable):
    outcome = Outcome("hi", "a", None, ["a", "b"], unreadable=own)
    method = SimpleNamespace(collaborate=lambda *_: [outcome])
    outcomes = {"none": play(task(), method, "none", DefenceInput(["q"], (), 1, **known), None)}
    write_outcomes(str(tmp_path / "run"), str(tmp_path / "transcript"), task(), outcomes)
    (row,) = read_table(tmp_path / "run", RUNS).to_pylist()
    assert row == {
        "defence": "none",
        "id": "q",
        "text": "hi",
        "chosen": "a",
        "masked": None,
        "candidates": ["a", "b"],
        "unreadable": unreadable,
    }


def test_costs_add_up(tmp_path):
    write_cost(tmp_path / "c.json", "respond", {"new_tokens": 2, "seconds": 0.5}, {"new_tokens": 3})
    cost = read_json(tmp_path / "c.json")
    assert (cost["rule"], cost["new_tokens"], cost["seconds"], cost["model_loads"]) == ("respond", 5, 0.5, 0)


@pytest.mark.parametrize("answer", [["nobody"], [], ["a", "a"]])
def test_a_defence_that_names_nobody_of_the_team_is_refused(monkeypatch, answer):
    from amongus.defences import none

    method = SimpleNamespace(collaborate=lambda task, engine, defend: defend([["a", "b"]]))
    monkeypatch.setattr(none, "decide", lambda case: answer)
    with pytest.raises(StudyError, match="defence 'none': decide"):
        play(task(), method, "none", DefenceInput(["q"], (), 1), None)
