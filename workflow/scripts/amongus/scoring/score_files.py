"""Answers beside their questions, and their scores, as files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amongus.core.tables import QUESTIONS, RUN_SCORES, SCORES, read_table, write_table


@dataclass(frozen=True)
class Answers:
    """The texts of one file, each with its question's id, words, row of the dataset (`items`); one metric for all.

    `defences` are those that a team's answers were given under; None where a member answered.
    """

    ids: Sequence[str]
    questions: Sequence[str]
    items: Sequence[dict[str, Any]]
    metric: str
    texts: Sequence[str]
    defences: Sequence[str] | None = None

    @property
    def dataset(self) -> str:
        """The name of the dataset."""
        return self.ids[0].split("/")[0]


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
        defences=table["defence"].to_pylist() if "defence" in table.column_names else None,
    )


def write_scores(path: str | Path, answers: Answers, scored: Sequence[tuple[float, str]]) -> None:
    """Write a score and, where it is NaN, its reason for each of `answers`."""
    columns = {"id": answers.ids, "score": [score for score, _ in scored], "reason": [why for _, why in scored]}
    if answers.defences is None:
        write_table(path, columns, SCORES)
    else:
        write_table(path, {"defence": answers.defences, **columns}, RUN_SCORES)
