"""Rules score_responses, score_runs: every text against its question's metric."""

from typing import Any

from _helpers import configure_logging
from amongus.answers import read_answers, write_scores
from amongus.scoring import explain


def main(snakemake: Any) -> None:
    """Write one file of scores per file of texts."""
    cores, limits = getattr(snakemake, "threads", 1), snakemake.params.get("limits") or {}
    files = zip(snakemake.input.questions, snakemake.input.texts, snakemake.output.scores, strict=True)
    for questions, texts, scores in files:
        given = read_answers(questions, texts)
        write_scores(scores, given.ids, explain(given.metric, given.items, given.texts, cores, limits))


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
