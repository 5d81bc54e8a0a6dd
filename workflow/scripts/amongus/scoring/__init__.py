"""Scores of texts: a metric is a module here with `score(item, text) -> float` in [0, 1].

A metric raises `Unscorable` where a text could be neither right nor wrong; nothing else, whatever the text. One that
scores many texts better together offers `score_all(items, texts, cores, limits)`, which gives what `explain` gives; one
that executes texts says so (`EXECUTES = True`) and raises `StudyError` where there is no sandbox to do it in.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from amongus import datasets
from amongus.study import plugins


class Unscorable(Exception):
    """A text that could not be scored; the message says why."""


def score(
    dataset: str, items: Sequence[Mapping[str, Any]], texts: Sequence[str], cores: int = 1
) -> list[float]:
    """Score each text as an answer to the item beside it.

    Args:
        dataset: a dataset's name.
        items: rows of the dataset's JSON.
        texts: as many answers of a member.
        cores: texts that are executed at a time, where the dataset's are.

    Returns:
        As many numbers in [0, 1], NaN where a text could not be scored.

    Raises:
        StudyError: the dataset is unknown, a row lacks a field, or there is no sandbox to execute texts in.
        ValueError: there are not as many texts as items.
    """
    pairs = list(zip(items, texts, strict=True))
    datasets.validate_rows(dataset, [item for item, _ in pairs], "given")
    metrics = [datasets.metric(dataset, item) for item, _ in pairs]
    if len(set(metrics)) == 1:
        return [found for found, _ in explain(metrics[0], items, texts, cores)]
    return [explain_one(metric, *pair)[0] for metric, pair in zip(metrics, pairs, strict=True)]


def explain(
    metric: str,
    items: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    cores: int = 1,
    limits: Mapping[str, Any] | None = None,
) -> list[tuple[float, str]]:
    """Score by the metric's name; each score with the reason why it is NaN, else an empty text.

    Args:
        metric: a module here.
        items: rows of a dataset's JSON.
        texts: as many answers.
        cores: texts that are executed at a time, where the metric executes them.
        limits: fields of `amongus.sandbox.Limits` for each of them.

    Raises:
        StudyError: the metric is unknown, or executes texts and there is no working sandbox.
        ValueError: there are not as many texts as items.
    """
    module = plugins.module("scoring.metrics", metric)
    if hasattr(module, "score_all"):
        if len(items) != len(texts):
            raise ValueError(f"{len(texts)} texts for {len(items)} items")
        return module.score_all(items, texts, cores, limits)
    return [explain_one(metric, item, text) for item, text in zip(items, texts, strict=True)]


def explain_one(metric: str, item: Mapping[str, Any], text: str) -> tuple[float, str]:
    """One score and the reason why it is NaN, else an empty text."""
    module = plugins.module("scoring.metrics", metric)
    try:
        if not isinstance(text, str):
            raise Unscorable(f"the answer is no text but {type(text).__name__}")
        return float(module.score(item, text)), ""
    except Unscorable as reason:
        return math.nan, str(reason)
