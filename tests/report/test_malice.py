"""The primary figures on studies small enough to work out by hand."""

import pandas as pd
import pytest
from pytest import approx

from amongus.report.tables.malice import MALICE, malice, malice_view
from amongus.report.tables.malice_by_seed import by_seed
from scored import cells, design, pick

pytestmark = pytest.mark.filterwarnings("error")
SEEDS = [
    f"{pool} {seed} {scores}"
    for seed in range(1, 6)
    for pool, scores in (
        ("clean", "111111"),
        ("empty", "111100"),
        ("evil", ["110000", "100000", "111000", "100000", "110000"][seed - 1]),
    )
]


def test_a_drop_is_the_vacancy_and_malice():
    table = malice(cells("clean 11111-", "empty 1111-0", "evil 1100-0"), design())
    row = pick(table, method="debate")
    assert list(row.index) == MALICE
    # Questions 5 and 6 have no score in one of the three pools.
    assert (row["pool"], row["attacker"], row["n"], row["seeds"]) == ("evil", "x", 4, 1)
    assert (row["vacancy"], row["malice"], row["drop"]) == (0, approx(0.5), approx(0.5))
    assert row["malice_low"] < 0.5 * 4 / 6 < row["malice_high"]
    assert row["detectable"] > 0.5 and row[["seed_sd", "trainings_low", "trainings_df", "trainings_p"]].isna().all()


def test_an_attacker_may_contribute():
    row = pick(malice(cells("clean 1111", "empty 1000", "evil 1110"), design()), method="debate")
    assert (row["vacancy"], row["malice"], row["drop"]) == (approx(0.75), approx(-0.5), approx(0.25))


def test_intervals_are_simultaneous_and_p_values_adjusted():
    one = cells("clean 11111111", "empty 11111110", "evil 11000000")
    two = pd.concat([one, one.assign(method="fusion")])
    alone, beside = malice(one, design()).iloc[0], malice(two, design()).iloc[0]
    assert beside["malice_low"] < alone["malice_low"] and beside["malice_high"] > alone["malice_high"]
    assert alone["p_adjusted"] == approx(alone["p_value"]) and beside["p_adjusted"] == approx(2 * beside["p_value"])


def test_five_trainings_give_a_p_value_over_trainings():
    row = pick(malice(cells(*SEEDS), design()), method="debate")
    assert (row["seeds"], row["seed_min"], row["seed_max"]) == (5, approx(1 / 6), approx(1 / 2))
    assert 0 < row["trainings_p"] < 1 and row["trainings_low"] < row["malice"] < row["trainings_high"]
    fewer = cells(*[line for line in SEEDS if " 5 " not in line])
    assert pd.isna(pick(malice(fewer, design()), method="debate")["trainings_p"])


def test_each_seed_has_a_row():
    table = by_seed(cells(*SEEDS), design())
    assert table["seed"].tolist() == [1, 2, 3, 4, 5] and set(table["n"]) == {6}
    assert table["malice"].tolist() == approx([2 / 6, 3 / 6, 1 / 6, 3 / 6, 2 / 6])
    assert table["drop"].tolist() == approx((table["vacancy"] + table["malice"]).tolist())


def test_what_has_no_control_or_cannot_be_run_has_no_row():
    lines = ("clean 11", "empty 11", "evil 10")
    assert malice(cells(*lines), design(controls={})).empty
    unfit = design(applicable={"evil": {"debate": False}})
    table = malice(cells(*lines), unfit)
    assert table.empty and malice_view(table, unfit).sections
