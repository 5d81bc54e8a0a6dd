"""Corrections and shares against hand-made cases and scipy; test_statistics_simulation.py has the simulations."""

from math import isnan

import pytest
from scipy import stats

from amongus.report import statistics

pytestmark = pytest.mark.filterwarnings("error")


def test_a_share_of_nothing_is_unknown():
    assert all(map(isnan, statistics.wilson(0, 0)))


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.6 times 4, 3, 2, 1, made to rise.
    nan = float("nan")
    adjusted = statistics.holm([0.03, nan, 0.01, 0.6, 0.02])
    assert adjusted[[0, 2, 3, 4]] == pytest.approx([0.06, 0.04, 0.6, 0.06])
    assert isnan(adjusted[1])
    assert statistics.holm([0.7, 0.8]).tolist() == [1.0, 1.0]
    assert statistics.holm([]).size == 0


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (0, 7), (3, 7), (7, 7), (1, 400)])
def test_wilson_is_scipys(successes, n):
    theirs = stats.binomtest(successes, n).proportion_ci(0.9, method="wilson")
    assert statistics.wilson(successes / n, n, confidence=0.9) == pytest.approx((theirs.low, theirs.high))


def test_hits_are_worth_as_many_questions_as_they_tell_apart():
    assert statistics.effective([1, 0, 1, 1], [1, 2, 3, 4]) == 4
    assert statistics.effective([1, 1, 0, 0], [1, 1, 2, 2]) == pytest.approx(1)  # 2/1 · (1 + 1)/4² over 1/16
    assert statistics.effective([1, 0, 1, 0], [1, 1, 2, 2]) == 4
    assert statistics.effective([1, 1, 1, 1], [1, 1, 2, 2]) == 2
    assert statistics.effective([], []) == 0
