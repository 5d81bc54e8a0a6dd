"""Statistics that are no intervals of paired differences (`intervals`): corrections, shares, ratios over cells.

No model, no disk. Where questions are resampled it is inside their stratum (a dataset), each with its pairs under all
seeds: the uncertainty is that of the questions, for the models as trained under these seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

_CHUNK = 250
"""Resamples of `CellMeans` drawn at once, which bounds the memory."""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made."""

    resamples: int
    confidence: float


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
