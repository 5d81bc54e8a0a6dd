"""Rules score_responses, score_runs: every text against its question's metric."""

import json
from typing import Any

from _helpers import configure_logging
from amongus.files import QUESTIONS, SCORES, read_table, write_table
from amongus.scoring import explain


def score_file(questions: str, texts: str, scores: str, cores: int, limits: dict[str, Any]) -> None:
    """Score the texts of one parquet, matched to its questions by id."""
    asked = {row["id"]: row for row in read_table(questions, QUESTIONS).to_pylist()}
    table = read_table(texts)
    ids = table["id"].to_pylist()
    rows = [asked[key] for key in ids]
    metric = rows[0]["metric"]
    items = [json.loads(row["item"]) for row in rows]
    judged = explain(metric, items, table["text"].to_pylist(), cores, limits)
    write_table(
        scores,
        {"id": ids, "score": [score for score, _ in judged], "reason": [reason for _, reason in judged]},
        SCORES,
    )


def main(snakemake: Any) -> None:
    """Write one file of scores per file of texts."""
    cores, limits = getattr(snakemake, "threads", 1), snakemake.params.get("limits") or {}
    files = zip(snakemake.input.questions, snakemake.input.texts, snakemake.output.scores, strict=True)
    for questions, texts, scores in files:
        score_file(questions, texts, scores, cores, limits)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
