"""Paired statistics: intervals, tests and the correction for many of them. No model, no disk.

A pair is one question under one study seed, scored twice. Questions are resampled inside their stratum (a dataset), so
datasets keep their share. The pairs of one question, under several seeds, are drawn together, because a question is
hard under each of them. The uncertainty is that of the questions, for the models as trained under these seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

_FLIPS = 9999
_CHUNK = 250
"""Resamples of `CellMeans` drawn at once, which bounds the memory."""
_STEPS = 4000
"""The largest sum, in units of the smallest amount, whose distribution is computed: some ten milliseconds."""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made."""

    resamples: int
    confidence: float


def interval(
    differences: ArrayLike, pairs: pd.DataFrame, bootstrap: Bootstrap, *, seed: int, span: float = 1.0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the weighted sum of `differences`, finite, one for each of `pairs`.

    Questions are resampled within their stratum (Efron and Tibshirani 1993, ch. 8 and 13). Differences of scores take
    few values, so how often each is drawn is sampled at once: the same distribution as drawing questions one by one
    (`scipy.stats.bootstrap`), at a hundredth of the cost.

    Args:
        pairs: stratum, question (in one stratum) and weight (equal within a stratum, sum 1).
        span: the largest difference possible in either direction (1 for a difference of scores in [0, 1]).

    Returns:
        (low, high). NaN without pairs. Where the questions of every stratum agree, a bootstrap has no width; the
        interval then allows for unseen outcomes of total probability q, (1 - q)^n = 1 - confidence.
    """
    if not len(pairs):
        return float("nan"), float("nan")
    strata = _by_question(np.asarray(differences, dtype=float), pairs)
    rng = np.random.default_rng(seed)
    draws = np.zeros(bootstrap.resamples)
    for values, weights in strata:
        distinct, counts = np.unique(values, return_counts=True)
        drawn = rng.multinomial(values.size, counts / values.size, size=bootstrap.resamples)
        draws += drawn @ (distinct * weights.sum() / values.size)
    tail = 1 - bootstrap.confidence
    if all(np.ptp(values) == 0 for values, _ in strata):
        values, weights = (np.concatenate(parts) for parts in zip(*strata, strict=True))
        unseen = 1 - tail ** (1 / values.size)
        centre = (1 - unseen) * (values @ weights)
        return float(centre - unseen * span), float(centre + unseen * span)
    low, high = np.quantile(draws, [tail / 2, (1 + bootstrap.confidence) / 2])
    return float(low), float(high)


def _by_question(
    values: NDArray[np.float64], pairs: pd.DataFrame
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Per stratum a value and a weight for each question, with the same weighted sum.

    A stratum's mean is a ratio of a sum over pairs and their number; it is linearised where questions differ in their
    number of pairs. Where all questions have one pair, each keeps its value.
    """
    merged = []
    strata, questions, weights = (pairs[name].to_numpy() for name in ("stratum", "question", "weight"))
    for label in np.unique(strata):
        here = strata == label
        _, codes = np.unique(questions[here], return_inverse=True)
        sums, count = np.bincount(codes, values[here]), np.bincount(codes)
        scale = len(count) / count.sum()
        own = sums * scale + sums.sum() / count.sum() * (1 - count * scale)
        merged.append((own, np.full(len(count), weights[here].sum() / len(count))))
    return merged


def p_value(first: ArrayLike, second: ArrayLike, pairs: pd.DataFrame, *, seed: int) -> float:
    """Two-sided p-value of "the paired scores `first` and `second` do not differ"; `pairs` are as in `interval`.

    Exact McNemar for 0/1 scores of equal weight, each of a question of its own; sign-flip permutation otherwise, of all
    pairs of a question together. NaN without pairs.
    """
    if not len(pairs):
        return float("nan")
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    weights = pairs["weight"].to_numpy()
    _, codes = np.unique(pairs["question"].to_numpy(), return_inverse=True)
    if codes.max() + 1 < codes.size:
        # Rounded, so that pairs which cancel leave nothing.
        return sign_flip(np.round(np.bincount(codes, (a - b) * weights), 15), seed=seed)
    if np.isin([a, b], (0.0, 1.0)).all() and np.allclose(weights, weights[0], rtol=1e-9, atol=0):
        return mcnemar(a, b)
    return sign_flip((a - b) * weights, seed=seed)


def mcnemar(first: ArrayLike, second: ArrayLike) -> float:
    """Exact two-sided McNemar test on paired 0/1 scores: a fair coin over the discordant pairs, 1 if none."""
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    wins, losses = int((a > b).sum()), int((a < b).sum())
    if wins + losses == 0:
        return 1.0
    return float(stats.binomtest(wins, wins + losses, 0.5).pvalue)


def sign_flip(differences: ArrayLike, *, seed: int) -> float:
    """Two-sided permutation test that paired `differences` are symmetric about 0, by flipping their signs.

    Pairs without a difference do not count. Of those that differ by the same amount only the number flipped matters, a
    binomial variable: the same distribution as `scipy.stats.permutation_test` on single pairs. It is computed where all
    amounts are small multiples of one, as of scores 0 and 1 summed over seeds; else 9999 sums are drawn.
    """
    values = np.asarray(differences, dtype=float)
    values = values[values != 0]
    if values.size == 0:
        return 1.0
    # Amounts that differ only by rounding are the same amount.
    values = np.round(values / np.abs(values).max(), 9)
    amounts, counts = np.unique(np.abs(values), return_counts=True)
    steps = amounts / amounts[0]
    if np.allclose(steps, steps.round(), rtol=0, atol=1e-6) and steps.round() @ counts <= _STEPS:
        return _all_flips(steps.round().astype(int), counts, round(float(values.sum() / amounts[0])))
    rng = np.random.default_rng(seed)
    sums = np.zeros(_FLIPS)
    for amount, count in zip(amounts, counts, strict=True):
        sums += amount * (2 * rng.binomial(count, 0.5, size=_FLIPS) - count)
    reached = np.abs(sums) >= np.abs(values.sum()) - 1e-6
    return float((1 + reached.sum()) / (1 + _FLIPS))


def _all_flips(amounts: NDArray[np.int_], counts: NDArray[np.int_], observed: int) -> float:
    """The share of all flips of `counts` signs of each of `amounts` whose sum is as far from 0 as `observed`."""
    chances = np.ones(1)
    for amount, count in zip(amounts, counts, strict=True):
        flipped = np.zeros(2 * amount * count + 1)
        flipped[:: 2 * amount] = stats.binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, flipped)
    sums = np.arange(len(chances)) - amounts @ counts
    return float(min(1.0, chances[np.abs(sums) >= abs(observed)].sum()))


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Holm's step-down adjustment of one family of p-values, in their order. NaN stays and does not count."""
    raw = np.asarray(p_values, dtype=float)
    adjusted = np.full(raw.shape, np.nan)
    known = np.flatnonzero(~np.isnan(raw))
    order = known[np.argsort(raw[known], kind="stable")]
    steps = (order.size - np.arange(order.size)) * raw[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def wilson(share: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a `share` of `n` (Wilson 1927), which may be an effective number. NaN where n is 0."""
    if n == 0:
        return float("nan"), float("nan")
    z = stats.norm.ppf((1 + confidence) / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def effective(hits: ArrayLike, questions: ArrayLike) -> float:
    """How many independent questions the 0/1 `hits` are worth, some of which are one question under several seeds.

    Their number divided by the design effect: the variance of their share when whole questions are drawn, over that of
    as many independent ones (Kish 1965). Where all agree it cannot be estimated, and the questions count.
    """
    values = np.asarray(hits, dtype=float)
    _, codes = np.unique(np.asarray(questions), return_inverse=True)
    sums, pairs = np.bincount(codes, values), np.bincount(codes)
    n, share = values.size, values.mean() if values.size else 0.0
    if len(pairs) == n:
        return float(n)
    if share in (0.0, 1.0) or len(pairs) == 1:
        return float(len(pairs))
    variance = len(pairs) / (len(pairs) - 1) * np.square(sums - share * pairs).sum() / n**2
    return float(n / max(1.0, variance * n / (share * (1 - share))))


@dataclass
class CellMeans:
    """Means over cells of their score relative to the clean score (`ratio`) and minus it (`gap`), bootstrapped.

    Questions are resampled within their dataset, once for all its cells and seeds together, which share them.

    Attributes:
        cells: how many have scores.
        ratios: those of them whose clean score is not 0.
        pairs: pairs of question and seed, summed over datasets.
    """

    bootstrap: Bootstrap
    cells: int = 0
    ratios: int = 0
    pairs: int = 0
    _sums: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    """(role, kind) -> the sum over cells as observed, then as resampled."""

    def add(
        self,
        scores: Mapping[str, NDArray[np.float64]],
        known: NDArray[np.bool_],
        questions: NDArray[np.intp],
        seed: int,
    ) -> None:
        """Add the cells of one dataset.

        Args:
            scores: role -> [pairs, cells]; `clean` and others.
            known: which of them count, [pairs, cells].
            questions: the number of each pair's question, [pairs].
        """
        positive = np.where(known, scores["clean"], 0).sum(axis=0) > 0
        self.cells += int(known.any(axis=0).sum())
        self.ratios += int(positive.sum())
        self.pairs += int(known.any(axis=1).sum())
        sums = [_cell_sums(np.ones((1, len(known))), scores, known, positive)]
        rng, count = np.random.default_rng(seed), int(questions.max()) + 1
        for start in range(0, self.bootstrap.resamples, _CHUNK):
            size = min(_CHUNK, self.bootstrap.resamples - start)
            drawn = rng.multinomial(count, np.full(count, 1 / count), size=size).astype(float)
            sums.append(_cell_sums(drawn[:, questions], scores, known, positive))
        for key in sums[0]:
            self._sums[key] = self._sums.get(key, 0.0) + np.concatenate([chunk[key] for chunk in sums])

    def estimate(self, role: str, kind: str) -> tuple[float, float, float]:
        """The mean over cells of a role's `ratio` or `gap`, and its percentile bootstrap interval; NaN without cells."""
        count = self.ratios if kind == "ratio" else self.cells
        if not count:
            return float("nan"), float("nan"), float("nan")
        observed, *resampled = self._sums[role, kind] / count
        tail = (1 - self.bootstrap.confidence) / 2
        low, high = np.quantile(resampled, [tail, 1 - tail])
        return float(observed), float(low), float(high)


def _cell_sums(
    weights: NDArray[np.float64],
    scores: Mapping[str, NDArray[np.float64]],
    known: NDArray[np.bool_],
    positive: NDArray[np.bool_],
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Per row of `weights` [resamples, pairs], the sums over cells of ratios to clean and of gaps to it."""
    totals = {role: weights @ np.where(known, values, 0) for role, values in scores.items()}
    counts = np.maximum(weights @ known.astype(float), 1)
    # A resample may draw none of the few questions that the clean pool answers right: half a point replaces 0.
    clean = totals["clean"][:, positive]
    clean = np.where(clean > 0, clean, 0.5)
    sums = {}
    for role in totals.keys() - {"clean"}:
        sums[role, "gap"] = ((totals[role] - totals["clean"]) / counts).sum(axis=1)
        sums[role, "ratio"] = (totals[role][:, positive] / clean).sum(axis=1)
    return sums
