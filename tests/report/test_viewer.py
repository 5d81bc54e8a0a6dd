"""The viewer's data: counts are those of the scores, texts come back as they were and can run nothing."""

import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import viewed
from amongus.core.errors import StudyError
from amongus.core.tables import RUN_SCORES, read_table, write_table
from amongus.report.viewer.data_script import data_script
from amongus.report.viewer.teams import TeamFiles, read_team
from amongus.study.paths import Paths


def value(folder, key):
    """What a data file hands to the page."""
    text = Path(folder, "data", f"{key}.js").read_text("ascii")
    assert text.startswith("amongus(") and text.endswith(");\n")
    found, given = json.loads(f"[{text[len('amongus(') : -3]}]")
    assert found == key
    return given


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    before = os.getcwd()
    home = tmp_path_factory.mktemp("viewer")
    os.chdir(home)
    try:
        return home / viewed.build()
    finally:
        os.chdir(before)


@given(st.text() | st.text("<>/!-script\u2028\u2029\ud800\"\\'&]"))
def test_any_text_comes_back_and_ends_neither_script_nor_line(text):
    script = data_script("key", {"text": [text]})
    assert script.isascii() and script.count("\n") == 1 and "<" not in script and ">" not in script
    assert json.loads(script[len('amongus("key",') : -len(");\n")]) == {"text": [text]}


def test_a_figure_that_is_no_number_is_refused():
    with pytest.raises(ValueError):
        data_script("key", [float("nan")])


def test_columns_are_the_scores_and_masks(folder):
    blocks = value(folder, "overview")["blocks"]
    members = [member["name"] for member in value(folder, "overview")["members"]]
    for pool, defences in viewed.DEFENCES.items():
        columns = value(folder, f"teams/debate.{pool}")
        assert [one["defence"] for one in columns] == list(defences)
        for one in columns:
            rows = [(block["seed"], block["dataset"], k) for block in blocks for k in range(block["n"])]
            scores = [viewed.score(pool, one["defence"], *row) for row in rows]
            assert one["score"] == [None if score != score else score for score in scores]
            masked = [members[place] if place >= 0 else None for place in one["masked"]]
            assert masked == [viewed.masked(pool, one["defence"], k) for _, _, k in rows]
            assert one["flags"] == [(k == 2) + 2 * (pool == "evil") for _, _, k in rows]


def test_counts_add_up_to_the_tables(folder):
    """What the page counts over a cell's rows are the figures of impact.csv and supervisors.csv."""
    overview = value(folder, "overview")
    clean, evil = ({one["defence"]: one for one in value(folder, f"teams/debate.{p}")} for p in ("clean", "evil"))
    rows = [block["dataset"] for block in overview["blocks"] for _ in range(block["n"])]
    frame = pd.DataFrame({"dataset": rows, "clean": clean["none"]["score"], "score": evil["none"]["score"]}).dropna()
    frame = frame.astype({"clean": float, "score": float})
    means = frame.groupby("dataset")[["clean", "score"]].mean().mean()
    impact = tables(overview, "impact").query("dataset == 'all' and domain == 'all' and method == 'debate'").iloc[0]
    assert impact["n"] == len(frame)
    assert impact["drop"] == pytest.approx(means["clean"] - means["score"], abs=1e-6)
    caught = tables(overview, "supervisors").query("pool == 'evil' and dataset == 'all' and domain == 'all'").iloc[0]
    attacker = [member["name"] for member in overview["members"]].index("x")
    with_attacker = sum(flags & 2 > 0 for flags in evil["reward"]["flags"])
    assert caught["with_attacker"] == with_attacker
    assert caught["masked_attacker"] == pytest.approx(
        evil["reward"]["masked"].count(attacker) / with_attacker, abs=1e-6
    )


def tables(overview, name):
    return pd.DataFrame(overview["tables"][name]["rows"], columns=overview["tables"][name]["columns"])


def test_a_question_has_every_message_answer_and_what_supervisors_gave(folder):
    talk = value(folder, "talks/debate.evil/2.sums/0")
    text, _, chosen, masked, candidates, turns = talk["questions"][0][talk["defences"].index("reward")]
    strings = talk["strings"]
    assert [strings[place] for place in (text, chosen, masked)] == [viewed.HOSTILE[1], "a", "x"]
    assert [strings[place] for place in candidates] == ["a", "x"]
    said = [(number, *(strings[place] for place in rest)) for number, *rest in turns]
    assert said == [(0, "a", "answer", "round 0 of a"), (1, "a", "refine", "round 1 of a")]
    asked = value(folder, "questions/2.sums/0")
    assert asked["prompt"][4] == f"sums 4 {viewed.HOSTILE[4]}"
    own = next(one for one in asked["answers"] if one["member"] == "x")
    assert own["text"][1] == f"x: {viewed.HOSTILE[1]}" and own["score"][1] == 0
    given = {one["kind"]: one["values"][1] for one in asked["evidence"] if one["member"] == "x"}
    assert given == {"reward": 0.5, "verdict": 0.25}


def test_the_same_results_give_the_same_bytes(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = tmp_path / viewed.build()
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert len(files) > 20


def test_a_run_of_other_questions_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, scores, turns = viewed.team(["text"], 1, "evil", "debate", "sums")
    assert list(read_team(TeamFiles(run, scores, turns), viewed.ids("sums"))) == ["none", "reward"]
    with pytest.raises(StudyError, match=re.escape(run)):
        read_team(TeamFiles(run, scores, turns), viewed.ids("facts"))
    rows = read_table(scores, RUN_SCORES).slice(1).to_pydict()
    write_table(Paths("tiny", "1").run_scores("evil", "debate", "sums"), rows, RUN_SCORES)
    with pytest.raises(StudyError, match=re.escape(run)):
        read_team(TeamFiles(run, scores, turns), viewed.ids("sums"))
