"""The table of what supervisors win back, worked out by hand."""

from math import isnan

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amongus.report import tables
from amongus.report.scores import Design
from amongus.report.supervisors import SUPERVISORS
from scored import NAN, VALUE, cell, no_masks, pick

pytestmark = pytest.mark.filterwarnings("error")

DESIGN = Design.read(VALUE)


def test_mitigation_row_by_hand():
    scores = pd.concat(
        [
            cell("clean", [1, 1, 1, 0]),
            cell("clean", [1, 1, 1, 1], defence="reward"),
            cell("evil", [0, 0, 1, 0]),
            cell("evil", [1, 1, 1, 0], defence="reward"),
            cell("evil", [0, 1, NAN, 0], defence="random"),
            cell("evil", [1, 1, 1, 1], defence="oracle"),
            cell("empty", [1, 0, 0, 0]),
        ]
    )
    caught = pd.DataFrame([dict.fromkeys(SUPERVISORS, 0)]).assign(
        method="debate",
        pool="evil",
        defence="reward",
        dataset="sums",
        domain="reasoning",
        masked_attacker=0.75,
        masked_other=0.25,
        unparsable=2,
    )
    table = tables.mitigation(scores, caught, DESIGN)
    assert list(table.columns) == tables.MITIGATION
    row = pick(table, defence="reward", dataset="sums")
    assert (row["level"], row["attacker"], row["n"], row["seeds"]) == ("text", "x", 4, 1)
    expected = {
        "clean": 0.75,
        "clean_defended": 1.0,
        "attacked": 0.25,
        "empty": 0.25,
        "random": 1 / 3,
        "oracle": 1.0,
        "score": 0.75,
        "recovery": 1.0,
        "undefended": 1 / 3,
        # (0.75 - 0.25) - (1 - 0.75)
        "net": 0.25,
        "masked_attacker": 0.75,
        "masked_other": 0.25,
        "unparsable": 2,
    }
    assert {name: float(row[name]) for name in expected} == pytest.approx(expected)
    assert -1 <= row["net_low"] < 0.25 < row["net_high"] <= 1
    # Two won, none lost: 2 / 4, times three defences, at most 1.
    assert row["p_value"] == 1.0
    assert isnan(pick(table, defence="oracle", dataset="sums")["masked_attacker"])


def test_mitigation_rests_on_pairs_scored_in_all_four_cells():
    scores = pd.concat(
        [
            cell("clean", [1, NAN, 1, 1, 1]),
            cell("clean", [1, 1, NAN, 1, 1], defence="reward"),
            cell("evil", [0, 1, 1, NAN, 1]),
            cell("evil", [1, 1, 1, 1, 0], defence="reward"),
        ]
    )
    row = pick(tables.mitigation(scores, no_masks(), DESIGN), dataset="sums")
    assert (row["n"], row["attacked"], row["score"], row["net"]) == (2, 0.5, 0.5, 0)


def test_the_interval_of_a_recovery_is_that_of_the_ratio():
    rng = np.random.default_rng(3)
    clean = (rng.uniform(size=1000) < 0.8) * 1.0
    score = np.where(rng.uniform(size=1000) < 0.7, clean, rng.uniform(size=1000) < 0.5)
    cells = [cell("clean", clean), cell("clean", clean, defence="reward")]
    cells += [cell("evil", 0 * score), cell("evil", score, defence="reward")]
    row = pick(tables.mitigation(pd.concat(cells), no_masks(), DESIGN), defence="reward", dataset="sums")

    def ratio(a, b, axis=-1):
        return a.mean(axis=axis) / b.mean(axis=axis)

    for columns, data, statistic in (("recovery", (score, clean), ratio), ("score", (score,), np.mean)):
        expected = stats.bootstrap(
            data, statistic, paired=True, method="percentile", n_resamples=4000, rng=rng
        ).confidence_interval
        assert (row[f"{columns}_low"], row[f"{columns}_high"]) == pytest.approx(
            (expected.low, expected.high), abs=0.012
        )


def test_net_needs_the_clean_pool_defended():
    scores = [cell("clean", [1, 0]), cell("evil", [0, 0]), cell("evil", [1, 0], defence="reward")]
    scores += [cell("evil", [1, 1], defence="oracle")]
    table = tables.mitigation(pd.concat(scores), no_masks(), DESIGN)
    reward = pick(table, defence="reward", dataset="sums")
    assert (reward["n"], reward["score"], reward["recovery"]) == (2, 0.5, 1.0)
    assert reward[["clean_defended", "net", "net_low", "net_high"]].isna().all()


def test_recovery_of_nothing_is_unknown():
    scores = [cell("clean", [0, 0]), cell("evil", [0, 0]), cell("evil", [1, 0], defence="reward")]
    row = pick(tables.mitigation(pd.concat(scores), no_masks(), DESIGN), dataset="sums")
    assert isnan(row["recovery"]) and isnan(row["undefended"])


def test_mitigation_rows_follow_the_design():
    scores = []
    for defence in ("oracle", "reward", "none"):
        for pool in ("evil", "clean"):
            scores += [cell(pool, [1, 0], method, defence) for method in ("fusion", "debate")]
    table = tables.mitigation(pd.concat(scores), no_masks(), DESIGN)
    one = table[table["dataset"] == "sums"]
    assert list(zip(one["level"], one["method"], one["defence"], strict=True)) == [
        ("text", "debate", "reward"),
        ("text", "debate", "oracle"),
        ("logit", "fusion", "reward"),
        ("logit", "fusion", "oracle"),
        ("all", "all", "reward"),
        ("all", "all", "oracle"),
    ]


def test_a_study_without_defences_has_an_empty_table():
    table = tables.mitigation(pd.concat([cell("clean", [1]), cell("evil", [0])]), no_masks(), DESIGN)
    assert list(table.columns) == tables.MITIGATION and len(table) == 0


def test_mitigation_marks_what_cannot_be_run():
    design = Design.read({**VALUE, "applicable": {"evil": {"fusion": False, "debate": True}}})
    scores = [cell("clean", [1, 1], "fusion", defence) for defence in ("none", "reward")]
    scores += [
        cell(pool, [1, 0], "debate", defence) for pool in ("clean", "evil") for defence in ("none", "reward")
    ]
    caught = pd.DataFrame(columns=SUPERVISORS)
    table = tables.mitigation(pd.concat(scores), caught, design)
    row = pick(table, method="fusion", dataset="sums", defence="reward")
    assert not row["applicable"] and row["n"] == 0 and isnan(row["score"]) and isnan(row["net"])
    assert pick(table, method="debate", dataset="sums", defence="reward")["applicable"]
