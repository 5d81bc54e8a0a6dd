"""The statistics on data whose truth is known: coverage, size and family-wise error.

A simulated share is compared with what theory says within `SIGMAS` binomial standard errors at the stated number
of simulations: with fixed seeds a test is the same every time, and a sound function would fail one in 16,000 such
comparisons had other seeds been chosen. Where theory itself is approximate its own error is added as `slack`, and
with the reason. Where pairs are drawn alone, or weigh the same, the same checks are shown to fail.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amongus.report import statistics
from amongus.report.tables.impact import impact
from scored import design, interval, p_value

pytestmark = pytest.mark.filterwarnings("error")

SIGMAS = 4
ALPHA = 0.05


@pytest.fixture
def few_flips(monkeypatch):
    """999 flips instead of 9999: (1 + reached) / (1 + flips) is exact for any number of them, and this is faster."""
    monkeypatch.setattr(statistics, "_FLIPS", 999)


def near(share, expected, simulations, slack=0.0):
    """Whether a simulated share agrees with its expectation."""
    return abs(share - expected) <= SIGMAS * np.sqrt(expected * (1 - expected) / simulations) + slack


def at_most(share, bound, simulations):
    """Whether a simulated share is compatible with a probability of at most `bound`."""
    return share <= bound + SIGMAS * np.sqrt(bound * (1 - bound) / simulations)


# -- intervals -------------------------------------------------------------------------------------------

# Two datasets of different size, each with half of the weight, as the tables weigh them. With 80 and 120 pairs a
# normal interval with the plug-in variance, which the bootstrap estimates, covers .947 (12,000 simulations); quantiles
# of 600 resamples cut (600 - 1) x .025 + 1 of 601 places from each end, 0.003 more than the tables' 2000 would. Both
# are the percentile bootstrap's known shortfall, so they are allowed for: .947 - .003 = .944 (measured: .943).
SIZES = (120, 80)
STRATA = np.repeat([0, 1], SIZES)
WEIGHTS = np.repeat([0.5 / size for size in SIZES], SIZES)
STEPS = np.array([-1.0, -0.75, -0.25, 0.0, 0.25, 0.75, 1.0])
SLACK = 0.008
TRIALS = 1500


def graded(rng, centre=0.0):
    """Differences of graded scores of all pairs, with mean `centre` (at most .28), one for each stratum or for both."""
    # Half of the pairs differ; shares that are symmetric are tilted so that the mean is exact.
    shares, tilt = np.array([0.08, 0.07, 0.1, 0.5, 0.1, 0.07, 0.08]), np.sign(STEPS) / 4
    drawn = [
        rng.choice(STEPS, size=size, p=shares + tilt * middle)
        for size, middle in zip(SIZES, np.broadcast_to(centre, 2), strict=True)
    ]
    return np.concatenate(drawn)


# No effect; and strata that differ by far more than sampling would make them.
@pytest.mark.parametrize(("centres", "confidence"), [((0.0, 0.0), 0.95), ((0.0, 0.0), 0.8), ((-0.05, 0.25), 0.95)])
def test_intervals_cover_at_their_rate(centres, confidence):
    rng, how = np.random.default_rng(21), {"resamples": 600, "confidence": confidence}
    drawn = (graded(rng, centres) for _ in range(TRIALS))
    low, high = np.array([interval(one, STRATA, WEIGHTS, seed=n, **how) for n, one in enumerate(drawn)]).T
    covered = (low <= np.mean(centres)) & (np.mean(centres) <= high)
    assert near(covered.mean(), confidence, TRIALS, SLACK)


# -- questions under several seeds ------------------------------------------------------------------------

SEEDS = 3
QUESTION = np.tile(np.arange(sum(SIZES)), SEEDS)


def repeated(rng, share=0.8):
    """Differences of all questions under `SEEDS` seeds, no effect: of a `share` of them the same under each seed."""
    same = rng.uniform(size=sum(SIZES)) < share
    first = graded(rng)
    return np.concatenate([np.where(same, first, graded(rng)) for _ in range(SEEDS)])


@pytest.mark.parametrize("together", [True, False])
def test_questions_drawn_together_cover_and_pairs_drawn_alone_do_not(few_flips, together):
    rng, simulations, covered, tests = np.random.default_rng(23), 600, 0, []
    strata, weights = np.tile(STRATA, SEEDS), np.tile(WEIGHTS, SEEDS) / SEEDS
    questions = QUESTION if together else None
    for trial in range(simulations):
        found = repeated(rng)
        low, high = interval(found, strata, weights, questions, seed=trial, resamples=400)
        covered += low <= 0 <= high
        tests.append(p_value(found, 0 * found, weights, questions, seed=trial) <= ALPHA)
    assert near(covered / simulations, 0.95, simulations, SLACK) == together
    assert near(np.mean(tests), ALPHA, simulations) == together


# -- sign flips, with the weights of the tables ----------------------------------------------------------


def rejected(simulations, seed, draw):
    """The share of simulated studies in which the test rejects; `draw(rng)` gives its arguments."""
    rng = np.random.default_rng(seed)
    return np.mean([p_value(*draw(rng), seed=trial) <= ALPHA for trial in range(simulations)])


def gradings(centre, weights=WEIGHTS):
    """Draws graded scores whose differences have the mean `centre`."""

    def draw(rng):
        differences = graded(rng, centre)
        return np.maximum(differences, 0), np.maximum(-differences, 0), weights

    return draw


def test_sign_flips_reject_no_effect_at_their_rate(few_flips):
    # Exact but for ties: sums repeat seldom at these weights.
    assert near(rejected(4000, 41, gradings(0.0)), ALPHA, 4000, slack=0.002)
    # And on scores of zero and one.
    zero_one = rejected(3000, 44, lambda rng: (*(rng.integers(0, 2, (2, sum(SIZES))) * 1.0), WEIGHTS))
    assert near(zero_one, ALPHA, 3000, slack=0.005)


def test_the_tables_weights_decide_what_is_tested(few_flips):
    # Effects that cancel with each dataset weighing the same do not where each pair does: 0.12 x 120 - 0.12 x 80.
    centre = np.array([0.12, -0.12])
    # Not quite the test's null (pairs are not symmetric about 0), so a bound: flips overstate the variance.
    assert at_most(rejected(1500, 43, gradings(centre)), ALPHA, 1500)
    assert not at_most(rejected(1500, 43, gradings(2 * centre, weights=None)), ALPHA, 1500)


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
def test_a_tables_intervals_cover_and_its_families_hold(few_flips, drop):
    rng, simulations = np.random.default_rng(61), 40
    covered, single, average = 0, 0, 0
    for _ in range(simulations):
        table = simulated_impact(rng, drop)
        covered += ((table["drop_low"] <= drop) & (drop <= table["drop_high"])).to_numpy()
        over = (table["method"] == "all") | (table["dataset"] == "all")
        single += (table.loc[~over, "p_value"] <= ALPHA).any()
        average += (table.loc[over, "p_value"] <= ALPHA).any()
    # Nine rows each: two methods and their mean, by two datasets and their mean. 40 questions in the smallest.
    assert covered.shape == (9,)
    assert all(near(count / simulations, 0.95, simulations, SLACK) for count in covered)
    if drop:
        assert average > simulations / 2
    else:
        assert at_most(single / simulations, ALPHA, simulations)
        assert at_most(average / simulations, ALPHA, simulations)
