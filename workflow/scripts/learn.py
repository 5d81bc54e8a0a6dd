"""Rule learn: what a method learns from a pool's dev questions, one folder per dataset."""

import json
from pathlib import Path
from typing import Any

from _helpers import configure_logging
from amongus import rooms
from amongus.costs import write_cost
from amongus.engine.opening import open_engine
from amongus.engine.requests import Request, user
from amongus.files import QUESTIONS, REWARDS, SCORES, read_table, whole_directory
from amongus.members import Member, load_member
from amongus.paths import Paths
from amongus.prompts import Template
from amongus.scoring import explain
from amongus.team import Lesson


def lesson(snakemake: Any, cell: tuple[str, str, str], members: dict[str, Member], stats: list) -> Lesson:
    """What the method may learn from on one dataset; `stats` gathers what its engines cost."""
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    dataset = cell[2]
    paths = Paths(**params.home, seed=str(seed))
    questions = read_table(paths.questions(dataset, "dev"), QUESTIONS).to_pylist()
    items = [json.loads(row["item"]) for row in questions]

    def column(path: Any, schema: Any, name: str) -> dict[str, list[float]]:
        return {m: read_table(path(m, dataset, "dev"), schema)[name].to_pylist() for m in params.pool}

    def respond(member: Member) -> list[str]:
        engine = open_engine(params, [member], seed)
        answers = engine.generate([Request(member.name, user(row["prompt"])) for row in questions])
        stats.append(engine.stats)
        return [answer.text for answer in answers]

    return Lesson(
        pool=tuple(params.pool),
        dataset=dataset,
        seed=seed,
        settings=params.settings,
        prompts={name: Template(**template) for name, template in params.prompts.items()},
        ids=[row["id"] for row in questions],
        questions=[row["prompt"] for row in questions],
        scores=column(paths.response_scores, SCORES, "score"),
        rewards=column(paths.rewards, REWARDS, "reward") if params.with_rewards else {},
        members=members,
        respond=respond,
        score=lambda texts: [score for score, _ in explain(questions[0]["metric"], items, texts)],
    )


def main(snakemake: Any) -> None:
    """Learn every cell."""
    members = {member.name: member for member in map(load_member, snakemake.input.members)}
    method = rooms.module("methods", snakemake.params.cells[0][1])
    stats: list[dict[str, float]] = []
    for cell, path in zip(snakemake.params.cells, snakemake.output.learned, strict=True):
        with whole_directory(path) as folder:
            method.learn(lesson(snakemake, cell, members, stats), Path(folder))
    write_cost(snakemake.output.cost, "learn", *stats)


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
