"""Rule viewer: pages to look from a figure to the questions and messages behind it."""

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from _helpers import Job, run
from amongus.core.atomic import whole_directory
from amongus.report.viewer import PAGES, TABLES
from amongus.report.viewer import overview as figures
from amongus.report.viewer import questions as asked
from amongus.report.viewer.data_script import write_data
from amongus.report.viewer.teams import TeamFiles, columns, read_team, talks

snakemake: Job
Block = tuple[int, str]
"""A seed and a dataset: their questions are rows in this order everywhere."""


def main(snakemake: Job) -> None:
    """Write the pages and, one team after another, their data."""
    files, params = snakemake.input, snakemake.params
    with whole_directory(snakemake.output[0]) as folder:
        for page in sorted(PAGES.iterdir()):
            shutil.copyfile(page, folder / page.name)
        blocks = {
            (label["seed"], label["dataset"]): asked.read_questions(path)
            for label, path in zip(params.blocks, files.questions, strict=True)
        }
        write_questions(snakemake, folder, blocks)
        members = list(dict.fromkeys(label["member"] for label in params.members))
        teams: dict[tuple[str, str], dict[Block, TeamFiles]] = defaultdict(dict)
        for label, *paths in zip(params.teams, files.runs, files.scores, files.transcripts, strict=True):
            teams[label["pool"], label["method"]][label["seed"], label["dataset"]] = TeamFiles(*paths)
        for (pool, method), own in teams.items():
            write_team(folder, f"{method}.{pool}", own, blocks, members, params.design["attackers"])
        shown = figures.overview(
            params.design,
            [{"seed": seed, "dataset": dataset, "n": len(own["id"])} for (seed, dataset), own in blocks.items()],
            list(teams),
            members,
            dict(zip(TABLES, files.tables, strict=True)),
            figures.alone(params.members, files.response_scores, files.dev_scores),
        )
        write_data(folder, "overview", shown)


def write_questions(snakemake: Job, folder: Path, blocks: dict[Block, dict[str, list[Any]]]) -> None:
    """Write the questions of all blocks, with the members' own answers and what supervisors gave these."""
    files, params = snakemake.input, snakemake.params
    answers, evidence = defaultdict(list), defaultdict(list)
    for label, *paths in zip(params.members, files.responses, files.response_scores, strict=True):
        answers[label["seed"], label["dataset"]].append((label["member"], *paths))
    for label, path in zip(params.evidence, files.evidence, strict=True):
        evidence[label["seed"], label["dataset"]].append((label["kind"], label["of"], path))
    for (seed, dataset), questions in blocks.items():
        own = [asked.read_answers(*one) for one in answers[seed, dataset]]
        given = [column for one in evidence[seed, dataset] for column in asked.read_evidence(*one)]
        write_data(folder, f"heads/{seed}.{dataset}", asked.heads(questions))
        for number, chunk in enumerate(asked.chunks(questions, own, given)):
            write_data(folder, f"questions/{seed}.{dataset}/{number}", chunk)


def write_team(
    folder: Path,
    name: str,
    files: dict[Block, TeamFiles],
    blocks: dict[Block, dict[str, list[Any]]],
    members: list[str],
    attackers: dict[str, str],
) -> None:
    """Write a team's columns over all blocks, and its messages."""
    scored: dict[str, dict[str, list[Any]]] = {}
    for (seed, dataset), questions in blocks.items():
        ids = questions["id"]
        rows = read_team(files[seed, dataset], ids)
        for defence, own in rows.items():
            whole = scored.setdefault(defence, {"score": [], "masked": [], "flags": []})
            for column, values in columns(own, members, attackers).items():
                whole[column] += values
        for number, chunk in enumerate(talks(files[seed, dataset], rows, ids)):
            write_data(folder, f"talks/{name}/{seed}.{dataset}/{number}", chunk)
    write_data(folder, f"teams/{name}", [{"defence": defence, **own} for defence, own in scored.items()])


if __name__ == "__main__":
    run(snakemake, main)
