"""Corrections and a whole table on data whose truth is known: coverage, size and family-wise error.

A simulated share is compared with what theory says within `SIGMAS` binomial standard errors at the stated number
of simulations: with fixed seeds a test is the same every time, and a sound function would fail one in 16,000 such
comparisons had other seeds been chosen. Where theory itself is approximate its own error is added as `slack`, and
with the reason.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amongus.report import statistics
from amongus.report.tables.impact import impact
from scored import design

pytestmark = pytest.mark.filterwarnings("error")

SIGMAS = 4
ALPHA = 0.05


def near(share, expected, simulations, slack=0.0):
    """Whether a simulated share agrees with its expectation."""
    return abs(share - expected) <= SIGMAS * np.sqrt(expected * (1 - expected) / simulations) + slack


def at_most(share, bound, simulations):
    """Whether a simulated share is compatible with a probability of at most `bound`."""
    return share <= bound + SIGMAS * np.sqrt(bound * (1 - bound) / simulations)


# -- many tests ------------------------------------------------------------------------------------------

FAMILY, FAMILIES = 12, 5000


def families(seed, effects=0):
    """p-values of independent tests, the first `effects` of them of something real."""
    normal = np.random.default_rng(seed).normal(size=(FAMILIES, FAMILY))
    return 2 * stats.norm.sf(np.abs(normal + 3 * (np.arange(FAMILY) < effects)))


def test_holm_errs_in_one_of_twenty_families_without_any_effect():
    raw = families(51)
    exact = 1 - (1 - ALPHA / FAMILY) ** FAMILY  # only the smallest p-value matters
    wrong = np.mean([(statistics.holm(row) <= ALPHA).any() for row in raw])
    assert near(wrong, exact, FAMILIES)
    assert not at_most((raw <= ALPHA).any(axis=1).mean(), ALPHA, FAMILIES)  # uncorrected: .46


@pytest.mark.parametrize("effects", [3, 9])
def test_holm_controls_errors_beside_real_effects_and_beats_bonferroni(effects):
    raw = families(52, effects)
    rejected = np.array([statistics.holm(row) <= ALPHA for row in raw])
    assert at_most(rejected[:, effects:].any(axis=1).mean(), ALPHA, FAMILIES)
    bonferroni = raw * FAMILY <= ALPHA
    assert (rejected >= bonferroni).all() and rejected[:, :effects].mean() > bonferroni[:, :effects].mean()


# -- a whole table ---------------------------------------------------------------------------------------

DESIGN = design(controls={}, defences={}, bootstrap={"resamples": 500, "confidence": 0.95})
SLACK = 0.01  # adjusted Wald is a little conservative
QUESTIONS = {"sums": 90, "facts": 40}


def simulated_impact(rng, drop):
    """`impact` of one attacked pool under two methods and three seeds.

    Each question is harder, or easier, under attack than another, by the same under every seed.
    """
    frames = []
    for dataset, n in QUESTIONS.items():
        hard, own = rng.uniform(0.45, 0.55, size=n), rng.choice([-0.25, 0.25], size=n)
        for seed in (1, 2, 3):
            keys = {"seed": seed, "dataset": dataset, "defence": "none", "id": np.arange(n).astype(str)}
            for method in DESIGN.levels:
                for pool, lost in (("clean", 0.0), ("evil", drop + own)):
                    score = (rng.uniform(size=n) < hard - lost) * 1.0
                    frames.append(pd.DataFrame({**keys, "pool": pool, "method": method, "score": score}))
    return impact(pd.concat(frames, ignore_index=True), DESIGN)


@pytest.mark.parametrize("drop", [0.0, 0.15])
def test_a_tables_intervals_cover_and_its_tests_err_at_their_rate(drop):
    rng, simulations = np.random.default_rng(61), 40
    covered, rejected = 0, 0
    for _ in range(simulations):
        table = simulated_impact(rng, drop)
        covered += ((table["drop_low"] <= drop) & (drop <= table["drop_high"])).to_numpy()
        rejected += (table["p_value"] <= ALPHA).to_numpy()
    # Nine rows each: two methods and their mean, by two datasets and their mean. 40 questions in the smallest.
    assert covered.shape == (9,)
    assert all(near(count / simulations, 0.95, simulations, SLACK) for count in covered)
    assert all(simulations - covered == rejected) if not drop else rejected[-1] > simulations / 2
