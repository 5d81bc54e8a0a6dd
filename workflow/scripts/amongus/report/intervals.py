"""Intervals of paired differences: over questions, for these models, and over new trainings. No model, no disk.

A pair is one question under one training seed, scored twice, with scores in [0, 1]. Both intervals are closed formulas
with a t quantile, so they need no random numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

FEWEST_SEEDS = 5
"""Below it no p-value over trainings is given: a t-test of two or three values has next to no power."""


@dataclass(frozen=True)
class Estimate:
    """A mean difference, with its standard error and the error's degrees of freedom.

    Attributes:
        mean: of the pairs as they are.
        centre: of the interval: of the pairs and what the interval adds to them.
        error: standard error of the centre; NaN where it cannot be estimated.
        freedom: degrees of freedom, by Satterthwaite.
    """

    mean: float
    centre: float
    error: float
    freedom: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """(low, high) at a `confidence` in (0, 1); NaN where the error is."""
        half = stats.t.ppf((1 + confidence) / 2, self.freedom) * self.error if not isnan(self.error) else nan
        return float(self.centre - half), float(self.centre + half)

    def p_value(self, beyond: float = 0.0) -> float:
        """Two-sided p-value that the mean is `beyond`; NaN where the error is."""
        if isnan(self.error):
            return nan
        if self.error == 0:
            return float(self.centre == beyond)
        return float(2 * stats.t.sf(abs(self.centre - beyond) / self.error, self.freedom))

    def equivalence(self, margin: float) -> float:
        """p-value of "the mean is at least `margin` from 0": two one-sided tests (Schuirmann 1987)."""
        if isnan(self.error):
            return nan
        nearest = margin - abs(self.centre)
        return float(stats.t.sf(nearest / self.error, self.freedom)) if self.error else float(nearest <= 0)

    def detectable(self, level: float, power: float = 0.8) -> float:
        """The smallest true mean that a two-sided test at `level` finds with the given power, about."""
        quantiles = stats.t.ppf(1 - level / 2, self.freedom) + stats.t.ppf(power, self.freedom)
        return float(quantiles * self.error)


_UNKNOWN = Estimate(nan, nan, nan, inf)


def over_questions(pairs: pd.DataFrame) -> Estimate:
    """The mean over strata of the same weight, for these models: only the questions are a sample.

    Per stratum it is the adjusted Wald interval of paired differences: two pairs are added that differ by 1, by -1 and,
    half of them, not at all (Agresti and Min 2005), so that it holds at few discordant pairs. Pairs of a cluster are one
    unit, linearised, with the added pairs as clusters of average size.

    Args:
        pairs: columns difference (in [-1, 1]), stratum and cluster, each in one stratum.
    """
    if pairs.empty:
        return _UNKNOWN
    strata = [_adjusted(rows["difference"].to_numpy(), rows["cluster"].to_numpy()) for _, rows in by_stratum(pairs)]
    means, centres, variances, freedoms = (np.array(part) for part in zip(*strata, strict=True))
    variances = variances / len(strata) ** 2
    return Estimate(
        float(means.mean()), float(centres.mean()), sqrt(variances.sum()), _satterthwaite(variances, freedoms)
    )


def over_pairs(differences: pd.Series, pairs: pd.DataFrame, span: float = 1.0) -> Estimate:
    """`over_questions` of differences of up to `span` either way, of `pairs` as from `scores.support`."""
    own = over_questions(pairs.assign(difference=differences / span, cluster=pairs["question"]))
    return Estimate(own.mean * span, own.centre * span, own.error * span, own.freedom)


def share(part: pd.Series, whole: pd.Series, pairs: pd.DataFrame, confidence: float) -> tuple[float, float, float]:
    """The mean of the differences `part` over that of `whole`, and its interval (Fieller 1954), over questions.

    NaN where the whole is not found to be above 0: the share could then be anything.
    """
    top, bottom, rest = (over_pairs(one, pairs) for one in (part, whole, part - whole))
    quantile = stats.t.ppf((1 + confidence) / 2, min(top.freedom, bottom.freedom)) ** 2
    variances = [quantile * one.error**2 for one in (top, bottom, rest)]
    covariance = (variances[0] + variances[1] - variances[2]) / 2
    square = bottom.mean**2 - variances[1]
    if not (bottom.mean > 0 and square > 0):
        return nan, nan, nan
    middle = (top.mean * bottom.mean - covariance) / square
    half = sqrt(max(middle**2 - (top.mean**2 - variances[0]) / square, 0.0))
    return top.mean / bottom.mean, middle - half, middle + half


def over_trainings(pairs: pd.DataFrame) -> Estimate:
    """The mean over strata of the same weight, for new trainings: seeds and questions are samples, crossed.

    Var = V_seed + V_question - V_rest of the two-way layout without replication; V_rest is in both of the others. Seeds
    go through all strata. Where seeds have questions of their own, the variance between them holds that of questions,
    but for what they have in common: the mean covariance of two seeds by their common questions is added.

    Args:
        pairs: as for `over_questions`, and column seed. A cluster counts once per seed, as its mean.

    Returns:
        NaN errors under a single seed.
    """
    _, trainings = np.unique(pairs["seed"], return_inverse=True)
    tables = [_table(rows, trainings[place]) for place, rows in by_stratum(pairs)]
    seeds = np.mean([np.nanmean(table, axis=1) for table in tables], axis=0) if tables else np.array([])
    if len(seeds) < 2:
        only = float(seeds.mean()) if len(seeds) else nan
        return Estimate(only, only, nan, inf)
    mean, share = float(seeds.mean()), 1 / len(tables) ** 2
    parts, freedoms = [seeds.var(ddof=1) / len(seeds)], [len(seeds) - 1.0]
    rest = 0.0
    for values in tables:
        if np.isnan(values).any():
            common, several = _common(values)
            parts.append(share * common)
            freedoms.append(max(several - 1.0, 1.0))
            continue
        count = values.size
        questions, own = values.mean(axis=0), len(values[0])
        centre = questions.sum() / (own + 2)
        parts.append(share * ((questions @ questions + 1) / (own + 2) - centre**2) / (own + 2))
        freedoms.append(own - 1.0)
        residual = values - values.mean(axis=1, keepdims=True) - questions + values.mean()
        squares = share * (residual**2).sum() / ((len(seeds) - 1) * (own - 1)) / count
        rest += squares
    variances = np.array(parts)
    variance = max(variances.sum() - rest, variances[0], variances[1:].sum())
    freedom = variance**2 / (variances**2 / np.array(freedoms)).sum() if variance else inf
    return Estimate(mean, mean, sqrt(variance), float(freedom))


def by_stratum(pairs: pd.DataFrame) -> Iterator[tuple[NDArray[np.bool_], pd.DataFrame]]:
    """The strata, in order: which rows, and these."""
    strata = pairs["stratum"].to_numpy()
    for stratum in np.unique(strata):
        yield (place := strata == stratum), pairs[place]


def _table(rows: pd.DataFrame, trainings: NDArray[np.int_]) -> NDArray[np.float64]:
    """Means by seed and cluster, [seeds, clusters]; NaN where a seed has no pair of a cluster."""
    clusters, codes = np.unique(rows["cluster"], return_inverse=True)
    shape = (int(trainings.max()) + 1, len(clusters))
    places = trainings * shape[1] + codes
    counts = np.bincount(places, minlength=shape[0] * shape[1]).astype(float)
    sums = np.bincount(places, rows["difference"], minlength=len(counts))
    return np.divide(sums, counts, out=np.full(len(counts), nan), where=counts > 0).reshape(shape)


def _common(values: NDArray[np.float64]) -> tuple[float, int]:
    """Of a table with gaps: the mean covariance of two seeds' means, at least 0, and how many clusters have two seeds."""
    scored = ~np.isnan(values)
    own = (values - np.nanmean(values, axis=1, keepdims=True)) / scored.sum(axis=1, keepdims=True)
    own = np.where(scored, own, 0.0)
    products = (own.sum(axis=0) ** 2 - (own**2).sum(axis=0)).sum()
    return max(float(products) / (len(own) * (len(own) - 1)), 0.0), int((scored.sum(axis=0) > 1).sum())


def _adjusted(values: NDArray[np.float64], clusters: NDArray[np.int_]) -> tuple[float, float, float, float]:
    """Of one stratum: mean, adjusted mean, its variance, degrees of freedom."""
    _, codes = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(codes).astype(float)
    average, units = sizes.mean(), len(sizes) + 2
    # Half a cluster of +1 and half of -1, one of 0.
    sums = np.concatenate([np.bincount(codes, values), [average, -average, 0.0]])
    sizes = np.concatenate([sizes, [average] * 3])
    weights = np.concatenate([np.ones(len(sizes) - 3), [0.5, 0.5, 1.0]])
    total = weights @ sizes
    centre = (weights @ sums) / total
    variance = weights @ (sums - centre * sizes) ** 2 / total**2
    return float(values.mean()), float(centre), float(variance), units - 1.0


def _satterthwaite(variances: NDArray[np.float64], freedoms: NDArray[np.float64]) -> float:
    """Degrees of freedom of a sum of estimated variances."""
    return float(variances.sum() ** 2 / (variances**2 / freedoms).sum()) if variances.any() else inf
