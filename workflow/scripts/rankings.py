"""Rule rankings: the log-probability that the judge gives each answer of a pool of being the worst."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from _helpers import Job, run
from amongus.core.tables import QUESTIONS, RANKINGS, RESPONSES, read_table, write_table
from amongus.inference.engine import Engine
from amongus.inference.sampling_params import Sampling
from amongus.members.judge_prompts import JUDGE, compared, log_probabilities, orders
from amongus.members.member import Member, known_fingerprint
from amongus.members.prompts import Template, clipped
from amongus.report.cost_sidecars import write_cost

snakemake: Job


def main(snakemake: Job) -> None:
    """Rank the answers to all datasets with one judge and write one file per dataset."""
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    folder, pool = snakemake.input.model, params.pool
    judge = Member(JUDGE, folder, fingerprint=known_fingerprint(folder))
    engine = Engine({JUDGE: judge}, Sampling(), seed=seed, **params.engine)
    # Files of responses are in the order of the datasets and, for each, the pool.
    paths = snakemake.input.responses
    responses = [paths[start : start + len(pool)] for start in range(0, len(paths), len(pool))]
    files = zip(snakemake.input.questions, responses, snakemake.output.rankings, strict=True)
    for questions, texts, path in files:
        answered = [read_table(file, RESPONSES)["text"].to_pylist() for file in texts]
        shown = {m: [clipped(text, params.limit) for text in own] for m, own in zip(pool, answered, strict=True)}
        rows = rank(engine, read_table(questions, QUESTIONS).to_pylist(), shown, params, seed)
        write_table(path, {name: [row[name] for row in rows] for name in RANKINGS.names}, RANKINGS)
    write_cost(snakemake.output.cost, "rankings", engine.stats)


def rank(
    engine: Any, questions: Sequence[Mapping[str, str]], shown: Mapping[str, Sequence[str]], params: Any, seed: int
) -> list[dict[str, Any]]:
    """A row per question and member: the mean over orders of its label's log-probability of being the worst."""
    prompts = {name: Template(**template) for name, template in params.prompts.items()}
    labels = [str(number) for number in range(1, len(params.pool) + 1)]
    conversations, places = [], []
    for row, question in enumerate(questions):
        for order in orders(params.pool, params.orders, seed, question["id"]):
            conversations.append(compared(question["prompt"], [shown[member][row] for member in order], prompts))
            places.append((row, order))
    sums = {(row, member): 0.0 for row in range(len(questions)) for member in params.pool}
    for (row, order), logits in zip(places, engine.label_logits(JUDGE, conversations, labels), strict=True):
        for member, value in zip(order, log_probabilities(logits), strict=True):
            sums[row, member] += value / params.orders
    return [
        {"id": questions[row]["id"], "member": member, "verdict": value, "readable": isfinite(value)}
        for (row, member), value in sums.items()
    ]


if __name__ == "__main__":
    run(snakemake, main)
