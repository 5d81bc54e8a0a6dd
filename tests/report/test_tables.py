"""The tables, on studies small enough to work out by hand."""

from math import isnan

import numpy as np
import pandas as pd
import pytest

from amongus.core.errors import StudyError
from amongus.core.tables import SCORES, write_table
from amongus.report import statistics, tables
from amongus.report.scores import Cells, Design, Group, groups, read_scores, spans
from scored import NAN, VALUE, cell, no_masks, pick

pytestmark = pytest.mark.filterwarnings("error")

DESIGN = Design.read(VALUE)


def test_design_reads_plain_values():
    assert DESIGN.attacked == ["evil"]
    assert DESIGN.attacker("evil") == "x" and DESIGN.attacker("clean") == ""
    assert DESIGN.defences == ("reward", "random", "oracle")
    assert (DESIGN.resamples, DESIGN.confidence) == (500, 0.9)
    two = Design.read({**VALUE, "pools": {"clean": ["a"], "evil": ["x", "a", "y"]}, "attackers": ["y", "x"]})
    assert two.attacker("evil") == "x+y"


@pytest.mark.parametrize(
    "change", [{"levels": {"all": "text"}}, {"levels": {"debate": "all"}}, {"domains": {"sums": "all"}}]
)
def test_design_keeps_the_name_of_averages(change):
    with pytest.raises(StudyError, match="rename"):
        Design.read({**VALUE, **change})


def test_impact_row_by_hand():
    scores = pd.concat(
        [
            cell("clean", [1, 1, 1, 1, 0, 1, NAN]),
            cell("evil", [0, 0, 1, 0, 1, NAN, 1]),
            cell("empty", [1, 0, 1, 1, NAN, 1, 1]),
        ]
    )
    row = pick(tables.impact(scores, DESIGN), method="debate", dataset="sums")
    assert list(row.index) == tables.IMPACT
    assert (row["level"], row["attacker"], row["pool"], row["domain"]) == ("text", "x", "evil", "reasoning")
    # Questions 5 and 6 have no score in one of the two pools.
    assert (row["n"], row["seeds"], row["applicable"]) == (5, 1, True)
    assert row["clean"] == pytest.approx(4 / 5)
    assert row["score"] == pytest.approx(2 / 5)
    assert row["empty"] == pytest.approx(3 / 4)
    assert row["drop"] == pytest.approx(2 / 5)
    assert -0.4 <= row["drop_low"] < row["drop"] < row["drop_high"] <= 1
    # Three lost, one won: 2 * (1 + 4) / 16, in a family of its own.
    assert row["p_value"] == pytest.approx(10 / 16)


def test_impact_pairs_within_seeds():
    first = [cell("clean", [1, 0]), cell("evil", [0, 1])]
    second = [cell("clean", [0, 1], seed=2), cell("evil", [0, 1], seed=2)]
    row = pick(tables.impact(pd.concat(first + second), DESIGN), dataset="sums")
    assert (row["n"], row["seeds"], row["drop"], row["p_value"]) == (4, 2, 0, 1)
    assert isnan(row["empty"])


def test_aggregates_give_each_dataset_the_same_weight():
    scores = pd.concat(
        [
            cell("clean", [1, 1]),
            cell("evil", [0, 0]),
            cell("clean", [1, 1, 1, 1], dataset="chains"),
            cell("evil", [1, 1, 1, 1], dataset="chains"),
            cell("clean", [1, 0, 1], dataset="facts"),
            cell("evil", [0, 0, 1], dataset="facts"),
        ]
    )
    table = tables.impact(scores, DESIGN)
    assert list(table["dataset"]) == ["sums", "chains", "facts", "all", "all"]
    assert list(table["domain"]) == ["reasoning", "reasoning", "knowledge", "reasoning", "all"]
    reasoning, overall = pick(table, domain="reasoning", dataset="all"), pick(table, domain="all")
    assert (reasoning["n"], reasoning["drop"]) == (6, pytest.approx(0.5))
    assert overall["n"] == 9
    assert overall["drop"] == pytest.approx((1 + 0 + 1 / 3) / 3)
    assert overall["clean"] == pytest.approx((1 + 1 + 2 / 3) / 3)
    # Weights differ, so signs are flipped: of the eight patterns of 1/6, 1/6, 1/9 two reach their sum.
    raw = statistics.sign_flip([1 / 6, 1 / 6, 1 / 9], seed=1)
    assert raw == pytest.approx(0.25, abs=0.02)
    # Two aggregates are one family: the smaller p-value doubles.
    assert overall["p_value"] == pytest.approx(0.5, abs=0.04)
    # Three datasets are another: McNemar gives 0.5, 1 and 1.
    assert pick(table, dataset="sums")["p_value"] == 1.0


def test_no_question_scored_gives_empty_figures():
    scores = pd.concat([cell("clean", [NAN, 1]), cell("evil", [1, NAN])])
    row = pick(tables.impact(scores, DESIGN), dataset="sums")
    assert (row["n"], row["seeds"]) == (0, 0)
    assert row[["clean", "score", "drop", "drop_low", "drop_high", "p_value"]].isna().all()


def test_what_cannot_be_run_is_shown_as_such():
    design = Design.read({**VALUE, "applicable": {"evil": {"fusion": False, "debate": True}}})
    scores = pd.concat([cell("clean", [1], "fusion"), cell("clean", [1]), cell("evil", [1])])
    table = tables.impact(scores, design)
    row = pick(table, method="fusion", dataset="sums")
    assert not row["applicable"] and row["n"] == 0
    assert row[["clean", "empty", "score", "drop", "p_value"]].isna().all()
    # No average over methods: only debate is common to all attacked pools.
    assert "all" not in set(table["method"])
    assert list(table["applicable"]) == [True, True, False, False]


def test_averages_over_methods_are_on_common_support():
    levels = {"debate": "text", "feedback": "text", "fusion": "logit", "soup": "weight"}
    value = {
        **VALUE,
        "levels": levels,
        "pools": {"clean": ["a"], "one": ["x"], "two": ["x"]},
        "controls": {},
        "applicable": {"two": {"soup": False}},
    }
    design = Design.read(value)
    found = [(g.level, g.method, g.methods) for g in groups(design, set(levels))]
    assert found[4:] == [
        ("text", "all", ("debate", "feedback")),
        ("all", "all", ("debate", "feedback", "fusion")),
    ]
    scores = [cell(pool, [1, 1], method) for pool in ("clean", "one") for method in levels]
    scores += [cell("two", [0, 1], method) for method in ("debate", "fusion")]
    scores += [cell("two", [0, 0], "feedback")]
    table = tables.impact(pd.concat(scores), design)
    text = pick(table, level="text", method="all", pool="two", dataset="sums")
    # Per question the mean over methods: drops of 1 and 0.5.
    assert (text["n"], text["drop"]) == (2, pytest.approx(0.75))
    assert pick(table, level="all", pool="two", dataset="sums")["drop"] == pytest.approx((1 + 1 / 3) / 2)
    assert pick(table, level="all", pool="one", dataset="sums")["drop"] == 0


def test_averages_over_methods_compare_defences_on_the_same_methods():
    levels = {"debate": "text", "feedback": "text", "fusion": "logit", "soup": "weight"}
    design = Design.read({**VALUE, "levels": levels, "defences": {"debate": ["reward", "judge", "self"]}})
    # Fusion lacks the judge, soup any defence; `self` is debate's alone and leaves nobody out.
    having = {"reward": {"debate", "feedback", "fusion"}, "judge": {"debate", "feedback"}, "self": {"debate"}}
    scores = [cell(pool, [1, 0], method) for pool in ("clean", "evil") for method in levels]
    for defence, methods in having.items():
        # Fusion is always wrong: an average with it would differ.
        scores += [
            cell(pool, [0, 0] if method == "fusion" else [1, 1], method, defence)
            for pool in ("clean", "evil")
            for method in sorted(methods)
        ]
    table = tables.mitigation(pd.concat(scores), no_masks(), design)
    table = table[table["dataset"] == "sums"]
    average = table[table["method"] == "all"]
    assert list(zip(average["level"], average["defence"], average["score"], strict=True)) == [
        ("text", "reward", 1.0),
        ("text", "judge", 1.0),
    ]
    assert set(table.loc[table["method"] == "fusion", "defence"]) == {"reward"}
    # Where every defence spans two levels, all methods that have them are averaged.
    having = {"reward": {"debate", "fusion", "soup"}, "judge": {"debate", "fusion"}}
    for defence in having:
        (*_, last) = groups(design, having[defence], having)
        assert (last.level, last.methods) == ("all", ("debate", "fusion"))


def test_order_of_the_input_changes_nothing():
    rng = np.random.default_rng(5)
    scores = pd.concat(
        [cell(pool, rng.integers(0, 2, 30), dataset=d) for pool in VALUE["pools"] for d in ("facts", "sums")]
    )
    shuffled = scores.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(tables.impact(scores, DESIGN), tables.impact(shuffled, DESIGN))


@pytest.mark.parametrize(
    "other", [cell("evil", [1]), cell("evil", [1, 1], seed=2), pd.concat([cell("evil", [1, 1])] * 2)]
)
def test_cells_must_hold_the_same_questions(other):
    with pytest.raises(StudyError, match="evil/debate/none/sums"):
        Cells(pd.concat([cell("clean", [1, 1]), other]))


def test_cells_beside_one_another():
    cells = Cells(pd.concat([cell("clean", [1, 0]), cell("clean", [0, NAN], "fusion")]))
    both = Group("all", "all", ("debate", "fusion"))
    frame = cells.beside("sums", both, {"clean": ("clean", "none"), "evil": ("evil", "none")})
    assert frame["clean"].tolist() == pytest.approx([0.5, NAN], nan_ok=True)
    assert frame["evil"].isna().all()


def test_spans_of_one_dataset():
    assert [(s.dataset, s.domain) for s in spans(DESIGN, ["facts"])] == [
        ("facts", "knowledge"),
        ("all", "all"),
    ]
    assert list(spans(DESIGN, [])) == []


def test_scores_are_read_with_their_keys(tmp_path):
    keys = {"seed": 7, "pool": "evil", "method": "debate", "defence": "none", "dataset": "sums"}
    write_table(tmp_path / "a.parquet", {"id": ["q"], "score": [NAN], "reason": ["why"]}, SCORES)
    frame = read_scores([tmp_path / "a.parquet"], [keys])
    assert frame.drop(columns="score").to_dict("records") == [{"id": "q", **keys}]
    assert isnan(frame["score"][0])
    assert list(read_scores([], []).columns) == ["id", "score", *keys]
    with pytest.raises(ValueError):
        read_scores([tmp_path / "a.parquet"], [])


def test_cost_sums_the_jobs_of_a_rule():
    records = {
        "b.json": {
            "rule": "respond",
            "model_loads": 1,
            "prompts_asked": 10,
            "prompts_generated": 4,
            "seconds": 1.5,
        },
        "a.json": {"rule": "respond", "model_loads": 2, "prompts_asked": 5, "new_tokens": 7, "seconds": 0.25},
        "c.json": {"rule": "collaborate"},
    }
    rows = tables.cost(records).to_dict("records")
    nothing = dict.fromkeys(tables.COST[2:], 0)
    assert rows == [
        {**nothing, "rule": "collaborate", "jobs": 1},
        {
            **nothing,
            "rule": "respond",
            "jobs": 2,
            "model_loads": 3,
            "prompts_asked": 15,
            "prompts_generated": 4,
            "new_tokens": 7,
            "seconds": 1.75,
        },
    ]
    assert len(tables.cost({})) == 0


@pytest.mark.parametrize(
    "record", [[], {}, {"rule": 3}, {"rule": "r", "seconds": "9"}, {"rule": "r", "new_tokens": -1}]
)
def test_cost_names_a_bad_sidecar(record):
    with pytest.raises(StudyError, match=r"costs/x\.json"):
        tables.cost({"costs/x.json": record})
