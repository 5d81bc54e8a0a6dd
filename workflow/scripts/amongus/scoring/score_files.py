"""Answers with their questions, and their scores, as files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amongus.core.tables import QUESTIONS, SCORES, read_table, write_table


@dataclass(frozen=True)
class Answers:
    """The texts of one file, each with its question's id, prompt and row of the dataset (`items`); one metric for all."""

    ids: Sequence[str]
    questions: Sequence[str]
    items: Sequence[dict[str, Any]]
    metric: str
    texts: Sequence[str]


def read_answers(questions: str | Path, texts: str | Path) -> Answers:
    """Read a parquet of texts (responses or runs) and match it by id to its questions."""
    by_id = {row["id"]: row for row in read_table(questions, QUESTIONS).to_pylist()}
    table = read_table(texts)
    ids = table["id"].to_pylist()
    rows = [by_id[key] for key in ids]
    return Answers(
        ids=ids,
        questions=[row["prompt"] for row in rows],
        items=[json.loads(row["item"]) for row in rows],
        metric=rows[0]["metric"],
        texts=table["text"].to_pylist(),
    )


def write_scores(path: str | Path, ids: Sequence[str], scores: Sequence[tuple[float, str]]) -> None:
    """Write a score and, where it is NaN, its reason for each of `ids`."""
    columns = {"id": ids, "score": [score for score, _ in scores], "reason": [why for _, why in scores]}
    write_table(path, columns, SCORES)
