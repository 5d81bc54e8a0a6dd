"""Intervals by hand, and by simulation: each covers what it says, each test errs as often as it says."""

from math import inf, isnan, sqrt

import numpy as np
import pandas as pd
import pytest
from pytest import approx
from scipy import stats

import scored
from amongus.report import intervals
from amongus.report.intervals import Estimate, over_questions, over_trainings, share
from amongus.report.scores import Cells, Group, Span, support

RUNS = 1500


def pairs(difference, stratum=0, cluster=None, seed=1):
    values = np.asarray(difference, dtype=float)
    return pd.DataFrame(
        {
            "difference": values,
            "stratum": stratum,
            "cluster": np.arange(values.size) if cluster is None else cluster,
            "seed": seed,
        }
    )


# -- by hand -------------------------------------------------------------------------------------------


def test_one_stratum_is_agresti_and_mins_adjusted_wald_interval():
    # 3 losses, 1 win, 16 ties: (2 - 0) / 22 and the variance of Agresti and Min (2005), with half a pair in each cell.
    found = over_questions(pairs([1, 1, 1, -1] + [0] * 16))
    assert (found.mean, found.centre) == (approx(0.1), approx(2 / 22))
    assert found.error == approx(sqrt(4 + 1 - 4 / 22) / 22)
    assert found.freedom == 21


def test_strata_have_the_same_weight():
    two = pd.concat([pairs([1] * 5 + [0] * 5, "a"), pairs([0] * 30, "b", range(100, 130))])
    assert over_questions(two).mean == approx(0.25)


def test_pairs_of_a_cluster_are_one_unit():
    alone = over_questions(pairs([1, 0, 0, 0]))
    copies = over_questions(pairs(np.repeat([1, 0, 0, 0], 5), cluster=np.repeat(range(4), 5)))
    assert (copies.mean, copies.error, copies.freedom) == (alone.mean, approx(alone.error), alone.freedom)


def test_trainings_with_questions_of_their_own_are_a_t_interval_of_seed_means():
    frame = pd.concat(
        [
            pairs([value, value], cluster=[2 * seed, 2 * seed + 1], seed=seed)
            for seed, value in enumerate([0.1, 0.3, 0.2, 0.6])
        ]
    )
    low, high = over_trainings(frame).interval(0.95)
    means = np.array([0.1, 0.3, 0.2, 0.6])
    expected = stats.t.interval(0.95, 3, means.mean(), stats.sem(means))
    assert (low, high) == approx(expected)


def test_questions_in_common_add_the_covariance_of_two_trainings():
    # Means 1/2 and 1/2. The common question is 1/2 above both, which are of two questions: covariance 1/16.
    found = over_trainings(pairs([1, 0, 1, 0], cluster=[0, 1, 0, 2], seed=[1, 1, 2, 2]))
    assert (found.mean, found.error) == (approx(0.5), approx(sqrt(1 / 16)))
    # None in common.
    assert over_trainings(pairs([1, 0, 1, 0], cluster=range(4), seed=[1, 1, 2, 2])).error == 0


def test_ids_say_which_questions_several_seeds_have_in_common():
    scores = scored.cells("clean 1111", "evil 1 0110", "clean 2 1111", "evil 2 0011")
    group, span = Group("text", "debate", ("debate",)), Span("sums", "reasoning", ("sums",))
    roles = {"before": ("clean", "none"), "after": ("evil", "none")}

    def rows(frame):
        found = support(Cells(frame), group, span, roles, list(roles))
        return found.assign(difference=found["before"] - found["after"], cluster=found["question"])

    same, own = rows(scores), rows(scores.assign(id=scores["id"] + "-" + scores["seed"].astype(str)))
    assert (same["question"].nunique(), own["question"].nunique()) == (4, 8)
    assert over_trainings(own).error == 0 < over_trainings(same).error
    assert over_questions(own).error < over_questions(same).error


def test_one_training_says_nothing_about_new_ones():
    found = over_trainings(pairs([1, 0, 0]))
    assert found.mean == approx(1 / 3) and isnan(found.p_value()) and isnan(found.interval(0.95)[0])


def test_equivalence_and_detectable_difference():
    found = Estimate(0.0, 0.0, 0.01, inf)
    assert found.equivalence(0.02) == approx(stats.norm.sf(2)) and found.equivalence(0.0) == approx(0.5)
    assert found.detectable(0.05) == approx(0.01 * (1.959964 + 0.841621), rel=1e-5)
    assert Estimate(0.03, 0.03, 0.01, inf).equivalence(0.02) == approx(stats.norm.sf(-1))


# -- by simulation -------------------------------------------------------------------------------------


def coverage(draw, truth, estimate):
    """The share of simulated intervals of 95 % that contain the truth."""
    found = [estimate(draw(np.random.default_rng(run))).interval(0.95) for run in range(RUNS)]
    return np.mean([low <= truth <= high for low, high in found])


def outcomes(rng, loss, win, shape):
    return rng.choice([1.0, -1.0, 0.0], p=[loss, win, 1 - loss - win], size=shape)


# At very few discordant pairs no interval of a discrete count is exact: adjusted Wald errs on the wide side.
@pytest.mark.parametrize(("loss", "win"), [(0.03, 0.0), (0.03, 0.01), (0.06, 0.02), (0.2, 0.1)])
def test_coverage_over_questions_at_few_discordant_pairs(loss, win):
    share = coverage(lambda rng: pairs(outcomes(rng, loss, win, 110)), loss - win, over_questions)
    assert 0.93 <= share <= 0.98


def test_coverage_with_four_strata_that_hardly_vary():
    def draw(rng):
        parts = [(0.3, 0.1), *[(0.01, 0.0)] * 4]
        drawn = [pairs(outcomes(rng, *part, 110), i, range(110 * i, 110 * i + 110)) for i, part in enumerate(parts)]
        return pd.concat(drawn)

    assert 0.93 <= coverage(draw, (0.2 + 4 * 0.01) / 5, over_questions) <= 0.98


def test_coverage_with_questions_that_ask_the_same_fact():
    def draw(rng):
        fact, own = outcomes(rng, 0.2, 0.05, 24), outcomes(rng, 0.2, 0.05, (24, 5))
        values = np.where(rng.random((24, 5)) < 0.7, fact[:, None], own)
        return pairs(values.ravel(), cluster=np.repeat(range(24), 5))

    assert 0.93 <= coverage(draw, 0.15, over_questions) <= 0.98
    apart = coverage(lambda rng: draw(rng).assign(cluster=range(120)), 0.15, over_questions)
    assert apart < 0.85


def trainings(seeds, spread):
    """Seeds x questions, crossed: losses and wins by a latent margin that seeds (by `spread`) and questions move."""
    total = sqrt(1 + spread**2 + 0.64)
    lost, won = stats.norm.isf(0.1) * total, stats.norm.ppf(0.03) * total

    def draw(rng):
        latent = rng.normal(0, 1, (seeds, 200)) + rng.normal(0, spread, (seeds, 1)) + rng.normal(0, 0.8, 200)
        values = np.where(latent > lost, 1.0, np.where(latent < won, -1.0, 0.0))
        frame = pairs(values.ravel(), np.tile(np.repeat([0, 1], 100), seeds), np.tile(range(200), seeds))
        return frame.assign(seed=np.repeat(range(seeds), 200))

    return draw


@pytest.mark.parametrize(("seeds", "spread"), [(5, 0.1), (5, 0.5), (10, 0.2), (10, 0.5)])
def test_coverage_over_new_trainings(seeds, spread):
    assert 0.93 <= coverage(trainings(seeds, spread), 0.07, over_trainings) <= 0.98


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_coverage_over_new_trainings_with_some_questions_in_common(share):
    full = trainings(5, 0.1)

    def draw(rng):
        frame = full(rng)
        return frame[rng.random(len(frame)) < share]

    assert 0.93 <= coverage(draw, 0.07, over_trainings) <= 0.98


def test_an_interval_over_questions_is_none_over_trainings():
    assert coverage(trainings(5, 0.5), 0.07, over_questions) < 0.7


def test_the_size_of_the_test_over_trainings():
    def draw(rng):
        frame = trainings(5, 0.4)(rng)
        # Whether a training wins or loses is a coin.
        sign = pd.Series(rng.choice([-1, 1], size=5))
        return frame.assign(difference=frame["difference"] * frame["seed"].map(sign))

    found = [over_trainings(draw(np.random.default_rng(run))).p_value() for run in range(RUNS)]
    assert 0.03 <= np.mean(np.array(found) < 0.05) <= 0.07
    assert intervals.FEWEST_SEEDS == 5


# -- shares of a loss ------------------------------------------------------------------------------------


def lost_and_won(rng, count, lost, won):
    """Scores of `count` questions: what is lost of each, and what of that is won back, about `won` of it."""
    loss = rng.choice([-1.0, 0.0, 1.0], p=[0.05, 0.95 - 0.05 - lost, lost + 0.05], size=count)
    back = np.where(loss > 0, rng.uniform(size=count) < won * lost / (lost + 0.05), 0.0)
    frame = pd.DataFrame({"stratum": 0, "question": np.arange(count)})
    return pd.Series(back), pd.Series(loss), frame


def test_fiellers_interval_of_a_share_covers_at_its_rate():
    rng, runs, covered = np.random.default_rng(71), 600, 0
    for _ in range(runs):
        _, low, high = share(*lost_and_won(rng, 400, 0.3, 0.5), 0.95)
        covered += low <= 0.5 <= high
    assert 0.93 <= covered / runs <= 0.975


def test_a_share_of_no_loss_is_unknown():
    rng = np.random.default_rng(72)
    assert all(isnan(figure) for figure in share(*lost_and_won(rng, 60, 0.0, 0.5), 0.95))
    won, loss, frame = lost_and_won(rng, 400, 0.3, 0.5)
    assert all(isnan(figure) for figure in share(won, -loss, frame, 0.95))  # A gain is no loss.
