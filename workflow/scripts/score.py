"""Rules score_responses, score_runs: every text against its question's metric."""

import logging
from collections import Counter, defaultdict

from _helpers import Job, run
from amongus.scoring import explain
from amongus.scoring.score_files import read_answers, write_scores

snakemake: Job

_LOG = logging.getLogger(__name__)


def main(snakemake: Job) -> None:
    """Write one file of scores per file of texts; the log says of each dataset what was not scored, and why."""
    answers: Counter[str] = Counter()
    unscored: dict[str, Counter[str]] = defaultdict(Counter)
    cores, limits = getattr(snakemake, "threads", 1), snakemake.params.get("limits") or {}
    files = zip(snakemake.input.questions, snakemake.input.texts, snakemake.output.scores, strict=True)
    for questions, texts, scores in files:
        table = read_answers(questions, texts)
        scored = explain(table.metric, table.items, table.texts, cores, limits)
        write_scores(scores, table, scored)
        answers[table.dataset] += len(scored)
        unscored[table.dataset].update(reason for _, reason in scored if reason)
    for dataset, reasons in unscored.items():
        if reasons:
            why = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
            _LOG.warning("%s: %d of %d answers not scored: %s", dataset, reasons.total(), answers[dataset], why)


if __name__ == "__main__":
    run(snakemake, main)
