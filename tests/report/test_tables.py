"""The tables, on studies small enough to work out by hand."""

from math import isnan

import numpy as np
import pandas as pd
import pytest

from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.core.tables import RUN_SCORES, write_table
from amongus.report.cost_sidecars import write_cost
from amongus.report.scores import Cells, groups, read_scores
from amongus.report.tables.cost import COST, cost
from amongus.report.tables.cost import build as build_cost
from amongus.report.tables.impact import impact
from amongus.report.tables.mitigation import mitigation
from examples import examples
from scored import NAN, VALUE, cell, cells, design, no_masks, pick
from standins import Named

pytestmark = pytest.mark.filterwarnings("error")
ROWS = examples("report/rows")
LEVELS = {"debate": "text", "feedback": "text", "fusion": "logit", "soup": "weight"}


@pytest.mark.parametrize(
    "change", [{"levels": {"all": "text"}}, {"levels": {"debate": "all"}}, {"domains": {"sums": "all"}}]
)
def test_design_keeps_the_name_of_averages(change):
    with pytest.raises(StudyError, match="rename"):
        design(**change)


@pytest.mark.parametrize("name", ROWS)
def test_rows_by_hand(name):
    case = ROWS[name]
    scores = cells(*case["cells"])
    if case["table"] == "impact":
        table = impact(scores, design())
    else:
        table = mitigation(scores, no_masks(), design())
        table = table[table["defence"] == "reward"]
    row = pick(table, dataset="sums")
    assert row[list(case["row"])].to_dict() == pytest.approx(case["row"], nan_ok=True)


def test_aggregates_give_each_dataset_the_same_weight():
    chains, facts = ("clean chains 1111", "evil chains 1111"), ("clean facts 101", "evil facts 001")
    table = impact(cells("clean 11", "evil 00", *chains, *facts), design())
    assert list(table["dataset"]) == ["sums", "chains", "facts", "all", "all"]
    assert list(table["domain"]) == ["reasoning", "reasoning", "knowledge", "reasoning", "all"]
    reasoning, overall = pick(table, domain="reasoning", dataset="all"), pick(table, domain="all")
    assert (reasoning["n"], reasoning["drop"]) == (6, pytest.approx(0.5))
    assert overall["n"] == 9
    assert overall["drop"] == pytest.approx((1 + 0 + 1 / 3) / 3)
    assert overall["clean"] == pytest.approx((1 + 1 + 2 / 3) / 3)


def test_what_cannot_be_run_is_shown_as_such():
    unfit = design(applicable={"evil": {"fusion": False, "debate": True}})
    scores = cells("clean fusion 1", "clean 1", "evil 1")
    table = impact(scores, unfit)
    row = pick(table, method="fusion", dataset="sums")
    assert not row["applicable"] and row["n"] == 0
    assert row[["clean", "empty", "score", "drop", "p_value"]].isna().all()
    # No average over methods: only debate is common to all attacked pools.
    assert "all" not in set(table["method"])
    assert list(table["applicable"]) == [True, True, False, False]
    table = mitigation(pd.concat([scores, scores.assign(defence="reward")]), no_masks(), unfit)
    assert list(table["applicable"]) == [True, True, False, False] and list(table["score"].isna()) == list(
        table["n"] == 0
    )


def test_averages_over_methods_are_on_common_support():
    pools = {"clean": ["a"], "one": ["x"], "two": ["x"]}
    made = design(levels=LEVELS, pools=pools, controls={}, applicable={"two": {"soup": False}})
    found = [(g.level, g.method, g.methods) for g in groups(made, set(LEVELS))]
    assert found[4:] == [("text", "all", ("debate", "feedback")), ("all", "all", ("debate", "feedback", "fusion"))]
    scores = [f"{pool} {method} 11" for pool in ("clean", "one") for method in LEVELS]
    table = impact(cells(*scores, "two debate 01", "two fusion 01", "two feedback 00"), made)
    text = pick(table, level="text", method="all", pool="two", dataset="sums")
    # Per question the mean over methods: drops of 1 and 0.5.
    assert (text["n"], text["drop"]) == (2, pytest.approx(0.75))
    assert pick(table, level="all", pool="two", dataset="sums")["drop"] == pytest.approx((1 + 1 / 3) / 2)
    assert pick(table, level="all", pool="one", dataset="sums")["drop"] == 0


def test_averages_over_methods_compare_defences_on_the_same_methods():
    made = design(levels=LEVELS, defences={"debate": ["reward", "judge", "self"]})
    # Fusion lacks the judge, soup any defence; `self` is debate's alone and leaves out no method.
    having = {"reward": ["debate", "feedback", "fusion"], "judge": ["debate", "feedback"], "self": ["debate"]}
    scores = [f"{pool} {method} 10" for pool in ("clean", "evil") for method in LEVELS]
    # Fusion is always wrong: an average with it would differ.
    scores += [
        f"{pool} {method} {defence} {'00' if method == 'fusion' else '11'}"
        for defence, methods in having.items()
        for pool in ("clean", "evil")
        for method in methods
    ]
    table = mitigation(cells(*scores), no_masks(), made)
    table = table[table["dataset"] == "sums"]
    average = table.loc[table["method"] == "all", ["level", "defence", "score"]]
    assert average.to_numpy().tolist() == [["text", "reward", 1.0], ["text", "judge", 1.0]]
    assert set(table.loc[table["method"] == "fusion", "defence"]) == {"reward"}
    # Where every defence spans two levels, all methods that have them are averaged.
    having = {"reward": {"debate", "fusion", "soup"}, "judge": {"debate", "fusion"}}
    for defence in having:
        (*_, last) = groups(made, having[defence], having)
        assert (last.level, last.methods) == ("all", ("debate", "fusion"))


def test_order_of_the_input_changes_nothing():
    rng = np.random.default_rng(5)
    scores = pd.concat(
        [cell(pool, rng.integers(0, 2, 30), dataset=d) for pool in VALUE["pools"] for d in ("facts", "sums")]
    )
    shuffled = scores.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(impact(scores, design()), impact(shuffled, design()))


@pytest.mark.parametrize("other", [["evil 1"], ["evil 2 11"], ["evil 11", "evil 11"]])
def test_cells_must_hold_the_same_questions(other):
    with pytest.raises(StudyError, match="evil/debate/none/sums"):
        Cells(cells("clean 11", *other))


def test_scores_are_read_with_their_keys(tmp_path):
    keys = {"seed": 7, "pool": "evil", "method": "debate", "dataset": "sums"}
    row = {"defence": ["none"], "id": ["q"], "score": [NAN], "reason": ["why"]}
    write_table(tmp_path / "a.parquet", row, RUN_SCORES)
    frame = read_scores([tmp_path / "a.parquet"], [keys])
    assert frame.drop(columns="score").to_dict("records") == [{"defence": "none", "id": "q", "reason": "why", **keys}]
    assert isnan(frame["score"][0])
    assert list(read_scores([], []).columns) == ["defence", "id", "score", "reason", *keys]


def test_cost_sums_the_jobs_of_a_rule(tmp_path):
    first = {"model_loads": 1, "prompts_asked": 10, "prompts_generated": 4, "seconds": 1.5}
    second = {"model_loads": 2, "prompts_asked": 5, "new_tokens": 7, "seconds": 0.25}
    for n, (rule, *counts) in enumerate([("respond", first), ("respond", second), ("collaborate",)]):
        write_cost(tmp_path / f"{n}.json", rule, *counts)
    nothing = dict.fromkeys(COST[2:], 0)
    total = {key: first.get(key, 0) + second.get(key, 0) for key in {*first, *second}}
    assert cost([read_json(path) for path in tmp_path.iterdir()]).to_dict("records") == [
        {**nothing, "rule": "collaborate", "jobs": 1},
        {**nothing, "rule": "respond", "jobs": 2, **total},
    ]
    assert len(cost([])) == 0


@pytest.mark.parametrize("content", ["{}", "[1]", "null", '{"rule": "respond", "seconds": "5"}'])
def test_a_file_that_does_not_hold_a_jobs_costs_is_named(tmp_path, content):
    path = tmp_path / "costs.json"
    path.write_text(content)
    with pytest.raises(StudyError, match=r"costs\.json: not the costs of a job"):
        build_cost(Named(sidecars=[str(path)]), Named(), design())
