"""Paired statistics against hand-made cases and scipy; test_statistics_simulation.py has the simulations."""

from itertools import product
from math import comb, isnan

import numpy as np
import pytest
from scipy import stats

from amongus.report import statistics
from scored import interval, p_value

pytestmark = pytest.mark.filterwarnings("error")


def test_interval_agrees_with_scipy():
    rng = np.random.default_rng(0)
    strata = np.repeat([0, 1], [60, 30])
    differences = rng.choice([-1.0, 0.0, 0.5, 1.0], p=[0.1, 0.5, 0.2, 0.2], size=90)
    weights = np.where(strata == 0, 0.5 / 60, 0.5 / 30)
    ours = interval(differences, strata, weights, seed=3, resamples=20_000)

    def macro(a, b, axis=-1):
        return (a.mean(axis=axis) + b.mean(axis=axis)) / 2

    samples = (differences[strata == 0], differences[strata == 1])
    theirs = stats.bootstrap(samples, macro, method="percentile", n_resamples=20_000, rng=rng)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


def test_interval_where_all_pairs_agree_allows_for_the_unseen():
    # (1 - q)^2 = 0.05: q = 0.7764 may be unseen.
    assert interval([0.0, 0.0], seed=1) == pytest.approx((-0.7764, 0.7764), abs=1e-4)
    assert interval([1.0], seed=1) == pytest.approx((0.05 - 0.95, 1.0))
    assert interval([0.0], seed=1, span=2) == pytest.approx((-1.9, 1.9))
    # Each stratum agrees with itself only: n = 4, q = 0.5271.
    strata = interval([0.0, 0.0, 1.0, 1.0], [0, 0, 1, 1], seed=1)
    assert strata == pytest.approx((0.5 * 0.4729 - 0.5271, 0.5 * 0.4729 + 0.5271), abs=1e-4)
    low, high = interval([0.0] * 300, seed=1)
    assert high == -low == pytest.approx(0.00994, abs=1e-5)


def test_mcnemar_counts_discordant_pairs():
    # 5 against 1: two-sided 2 * (1 + 6) / 64.
    first = [1] * 5 + [0] + [1, 0]
    second = [0] * 5 + [1] + [1, 0]
    assert statistics.mcnemar(first, second) == pytest.approx(14 / 64)
    assert p_value(first, second, seed=1) == pytest.approx(14 / 64)
    assert statistics.mcnemar([1, 0], [1, 0]) == 1.0
    # Twice the smaller tail of a fair coin.
    for wins, losses in product(range(12), repeat=2):
        first = np.repeat([1.0, 0.0], [wins, losses])
        tail = min(1, 2 * stats.binom.cdf(min(wins, losses), wins + losses, 0.5))
        assert statistics.mcnemar(first, 1 - first) == pytest.approx(tail)


# Multiples of one amount, whose flips are all counted, and others, whose flips are drawn.
@pytest.mark.parametrize(("step", "error"), [(0.25, 1e-9), (0.3, 0.012)])
def test_sign_flip_agrees_with_scipy_and_ignores_ties(step, error):
    differences = np.array([0.5, step, 0.25, -0.25, 1.0, 0.5, 0.0, 0.75])
    theirs = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert statistics.sign_flip(differences, seed=1) == pytest.approx(theirs.pvalue, abs=error)
    tied = np.concatenate([differences, np.zeros(50)])
    assert statistics.sign_flip(tied, seed=1) == statistics.sign_flip(differences, seed=1)


def test_sign_flip_on_one_amount_is_mcnemar():
    differences = np.array([1.0] * 12 + [-1.0] * 3) / 7
    exact = 2 * sum(comb(15, k) for k in range(4)) / 2**15
    assert statistics.sign_flip(differences, seed=1) == pytest.approx(exact)


def test_a_single_pair_tells_nothing_and_none_gives_nan():
    for first, second in ((1.0, 1.0), (1.0, 0.0), (0.5, 0.5), (0.5, 0.0)):
        assert p_value([first], [second], seed=1) == 1.0
    figures = (*interval([], seed=1), p_value([], [], seed=1), *statistics.wilson(0, 0))
    assert all(isnan(figure) for figure in figures)


def test_weights_choose_the_test():
    # Two heavy losses against three light wins, over all 32 sign patterns.
    first, second = np.array([1.0, 1.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0, 1.0])
    weights = np.array([0.1, 0.1, 0.1, 0.35, 0.35])
    signs = np.array(np.meshgrid(*[[1, -1]] * 5)).reshape(5, -1).T
    exact = np.mean(np.abs(signs @ weights) >= abs((first - second) @ weights) - 1e-9)
    assert p_value(first, second, weights, seed=1) == pytest.approx(exact, abs=0.016)
    assert p_value(first, second, [0.2] * 5, seed=1) == statistics.mcnemar(first, second) == 1.0
    assert exact < 1


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


def test_a_question_under_several_seeds_is_one_question():
    rng = np.random.default_rng(7)
    first, second = rng.integers(0, 2, (2, 60)) * 1.0
    strata = np.repeat([0, 1], [40, 20])
    weights = np.where(strata == 0, 0.5 / 40, 0.5 / 20)
    once = interval(first - second, strata, weights, seed=1)
    thrice = [np.tile(part, 3) for part in (first - second, strata, weights / 3)]
    assert interval(*thrice, np.tile(np.arange(60), 3), seed=1) == pytest.approx(once)
    assert interval(*thrice, seed=1) != pytest.approx(once)
    assert interval(first - second, strata, weights, np.arange(60), seed=1) == once
    agreed = interval(np.ones(6), 0, None, [1, 1, 1, 2, 2, 2], seed=1)
    assert agreed == interval(np.ones(2), seed=1)
    # Two pairs of one question, one of another: mean 2/3, about which the ratio is linear in 4/9 and 8/9.
    uneven = interval([1.0, 0.0, 1.0], 0, None, ["a", "a", "b"], seed=1)
    assert uneven == pytest.approx((4 / 9, 8 / 9))


def test_signs_of_a_questions_pairs_are_flipped_together():
    wins, questions = np.ones(30), np.tile(np.arange(10), 3)
    alone = p_value(wins, 0 * wins, seed=1)
    together = p_value(wins, 0 * wins, None, questions, seed=1)
    # All ten flips alike: 2 of 1024 ways.
    assert alone < 1e-8 and together == pytest.approx(2 / 1024)
    assert p_value(wins, 0 * wins, None, np.arange(30), seed=1) == alone


def test_hits_are_worth_as_many_questions_as_they_tell_apart():
    assert statistics.effective([1, 0, 1, 1], [1, 2, 3, 4]) == 4
    assert statistics.effective([1, 1, 0, 0], [1, 1, 2, 2]) == pytest.approx(1)  # 2/1 · (1 + 1)/4² over 1/16
    assert statistics.effective([1, 0, 1, 0], [1, 1, 2, 2]) == 4
    assert statistics.effective([1, 1, 1, 1], [1, 1, 2, 2]) == 2
    assert statistics.effective([], []) == 0
