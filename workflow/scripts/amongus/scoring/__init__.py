"""Scores of texts: a metric is a module here with `score(item, text) -> float` in [0, 1].

A metric raises `Unscorable` where a text could be neither right nor wrong; nothing else, whatever the text.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from amongus import datasets, rooms


class Unscorable(Exception):
    """A text that could not be scored; the message says why."""


def score(dataset: str, items: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> list[float]:
    """Score each text as an answer to the item beside it.

    Args:
        dataset: a dataset's name.
        items: rows of the dataset's JSON.
        texts: as many answers of a member.

    Returns:
        As many numbers in [0, 1], NaN where a text could not be scored.

    Raises:
        StudyError: the dataset is unknown, or a row lacks a field.
        ValueError: there are not as many texts as items.
    """
    pairs = list(zip(items, texts, strict=True))
    datasets.validate_rows(dataset, [item for item, _ in pairs], "given")
    return [explain_one(datasets.metric(dataset, item), item, text)[0] for item, text in pairs]


def explain(metric: str, items: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> list[tuple[float, str]]:
    """Score by the metric's name; each score with the reason why it is NaN, else an empty text.

    Raises:
        StudyError: the metric is unknown.
        ValueError: there are not as many texts as items.
    """
    return [explain_one(metric, item, text) for item, text in zip(items, texts, strict=True)]


def explain_one(metric: str, item: Mapping[str, Any], text: str) -> tuple[float, str]:
    """One score and the reason why it is NaN, else an empty text."""
    module = rooms.module("scoring", metric)
    try:
        if not isinstance(text, str):
            raise Unscorable(f"the answer is no text but {type(text).__name__}")
        return float(module.score(item, text)), ""
    except Unscorable as reason:
        return math.nan, str(reason)
