"""Scores of texts: a metric is a module of `scoring.metrics` with `score(item, text) -> float` in [0, 1].

A metric raises `Unscorable` where a text could be neither right nor wrong, and nothing else, whatever the text. One that
executes texts declares it (`EXECUTES = True`), raises `StudyError` without a working sandbox, and has
`score_all(items, texts, cores, limits)`, which returns what `explain` returns.
"""

import math
from collections.abc import Callable, Mapping, Sequence
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
    """Score by the metric's name; each score with the reason why it is NaN, else an empty text.

    Args:
        metric: a module of `scoring.metrics`.
        items: rows of a dataset's JSON.
        texts: as many answers.
        cores: how many texts are executed at a time, if the metric executes them.
        limits: fields of `amongus.sandbox.Limits`, for each execution.

    Raises:
        StudyError: the metric is unknown, or executes texts and there is no working sandbox.
        ValueError: there are not as many texts as items.
    """
    module = plugins.module("scoring.metrics", metric)
    if hasattr(module, "score_all"):
        return module.score_all(items, texts, cores, limits)
    return [attempt(module.score, item, text) for item, text in zip(items, texts, strict=True)]


def attempt(score: Callable[[Mapping[str, Any], str], float], item: Mapping[str, Any], text: Any) -> tuple[float, str]:
    """One score and the reason why it is NaN, else an empty text."""
    try:
        if not isinstance(text, str):
            raise Unscorable(f"the answer must be a text, got {type(text).__name__}")
        return float(score(item, text)), ""
    except Unscorable as reason:
        return math.nan, str(reason)
