"""Scores of texts: a metric is a module of `scoring.metrics` with `score(item, text) -> float` in [0, 1].

A metric raises `Unscorable` where a text could be neither right nor wrong, and nothing else, whatever the text. One that
executes texts declares it (`EXECUTES = True`); it takes `limits`, the fields of `amongus.sandbox.Limits`, as a third
argument, and its `preflight()` raises `StudyError` without a working sandbox.
"""

import importlib.util
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from amongus.study import plugins


class Unscorable(Exception):
    """A text that could not be scored; the message says why."""


def explain(
    metric: str,
    items: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    cores: int = 1,
    limits: Mapping[str, Any] | None = None,
) -> list[tuple[float, str]]:
    """The score of each text for the row of a dataset beside it, with the reason why it is NaN, else an empty text.

    A metric that executes texts has `cores` of them executed at a time, each within `limits`.

    Raises:
        StudyError: the metric is unknown, or executes texts and there is no working sandbox.
        ValueError: there are not as many texts as items.
    """
    module = plugins.module("scoring.metrics", metric)
    pairs = list(zip(items, texts, strict=True))
    if not getattr(module, "EXECUTES", False):
        return [attempt(module.score, *pair) for pair in pairs]
    module.preflight()
    with ThreadPoolExecutor(max(1, cores)) as pool:
        return list(pool.map(lambda pair: attempt(module.score, *pair, limits or {}), pairs))


def attempt(score: Callable[..., float], item: Mapping[str, Any], text: Any, *limits: Any) -> tuple[float, str]:
    """One score and the reason why it is NaN, else an empty text."""
    try:
        if not isinstance(text, str):
            raise Unscorable(f"the answer must be a text, got {type(text).__name__}")
        return float(score(item, text, *limits)), ""
    except Unscorable as reason:
        return math.nan, str(reason)


def of_scored_code(metrics: Iterable[str]) -> dict[str, str]:
    """The modules that answers executed by `metrics` may import, and their names in pip."""
    libraries: dict[str, str] = {}
    for metric in metrics:
        libraries |= plugins.fact("scoring.metrics", metric, "LIBRARIES") or {}
    return libraries


@cache
def installed(name: str) -> bool:
    """Whether a module, not one of a package, can be found, without importing it."""
    return importlib.util.find_spec(name) is not None
