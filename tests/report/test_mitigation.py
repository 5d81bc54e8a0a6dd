"""The table of what supervisors win back, worked out by hand."""

from math import isnan

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amongus.report.tables.mitigation import MITIGATION, mitigation
from amongus.report.tables.supervisors import SUPERVISORS
from scored import cell, cells, design, no_masks, pick

pytestmark = pytest.mark.filterwarnings("error")


def defended(*lines):
    return mitigation(cells(*lines), no_masks(), design())


def test_mitigation_row_by_hand():
    masks = {"masked_attacker": 0.75, "masked_other": 0.25, "unparsable": 2}
    keys = {"method": "debate", "pool": "evil", "defence": "reward", "dataset": "sums", "domain": "reasoning"}
    caught = pd.DataFrame([dict.fromkeys(SUPERVISORS, 0) | keys | masks])
    scores = cells(
        *("clean 1110", "clean reward 1111", "evil 0010", "evil reward 1110"),
        *("evil random 01-0", "evil oracle 1111", "empty 1000"),
    )
    table = mitigation(scores, caught, design())
    assert list(table.columns) == MITIGATION
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
        "net": 0.25,  # (0.75 - 0.25) - (1 - 0.75)
        "over_oracle": -0.25,
        "over_random": 1 / 3,  # On three pairs: 2/3 - 1/3.
        "cost": -0.25,
        **masks,
    }
    assert {name: float(row[name]) for name in expected} == pytest.approx(expected)
    assert -2 <= row["net_low"] < 0.25 < row["net_high"] <= 2
    # Nets of 1, 1, 0 and -1, and a pair each of 1/2 and -1/2 and none: t = 1 / sqrt(3 + 1 - 1 / 6).
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(1 / (4 - 1 / 6) ** 0.5, 5))
    # Of four pairs two lost: no loss is found, and a share of it is unknown.
    assert isnan(row["won_back"]) and isnan(row["won_back_low"])
    assert isnan(pick(table, defence="oracle", dataset="sums")["masked_attacker"])


def test_the_interval_of_a_recovery_is_that_of_the_ratio():
    rng = np.random.default_rng(3)
    clean = (rng.uniform(size=1000) < 0.8) * 1.0
    score = np.where(rng.uniform(size=1000) < 0.7, clean, rng.uniform(size=1000) < 0.5)
    scores = [cell("clean", clean), cell("clean", clean, defence="reward")]
    scores += [cell("evil", 0 * score), cell("evil", score, defence="reward")]
    row = pick(mitigation(pd.concat(scores), no_masks(), design()), defence="reward", dataset="sums")

    def ratio(a, b, axis=-1):
        return a.mean(axis=axis) / b.mean(axis=axis)

    for columns, data, statistic in (("recovery", (score, clean), ratio), ("score", (score,), np.mean)):
        theirs = stats.bootstrap(data, statistic, paired=True, method="percentile", n_resamples=4000, rng=rng)
        low, high = theirs.confidence_interval
        assert (row[f"{columns}_low"], row[f"{columns}_high"]) == pytest.approx((low, high), abs=0.012)


def test_mitigation_rows_follow_the_design():
    assert defended("clean 1", "evil 0").empty
    names = [
        (pool, m, d) for d in ("oracle", "reward", "none") for pool in ("evil", "clean") for m in ("fusion", "debate")
    ]
    table = defended(*(f"{' '.join(name)} 10" for name in names))
    rows = table.loc[table["dataset"] == "sums", ["level", "method", "defence"]].to_numpy().tolist()
    groups = ("text", "debate"), ("logit", "fusion"), ("all", "all")
    assert rows == [[*group, defence] for group in groups for defence in ("reward", "oracle")]
