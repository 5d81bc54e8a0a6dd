"""`make compare A=results/x B=results/y`: two studies, question by question, and what differs in how they were made."""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from amongus.core.atomic import write_text
from amongus.core.checksums import hash_file
from amongus.core.errors import StudyError, run_command
from amongus.core.hashing import derive
from amongus.core.tables import QUESTIONS, read_table
from amongus.report import statistics
from amongus.report.manifest import read_manifest
from amongus.report.render import csv_text, markdown_text
from amongus.report.scores import ALL, CELL, TEAM_FILE, adjusted, read_scores

COMPARED = [
    *("method", "pool", "defence", "dataset", "n", "seeds"),
    *("a", "b", "difference", "difference_low", "difference_high", "p_value"),
]
_TABLE = "impact"
_RUN_SCORES = "/scores/runs/"
_PARTS = ("config", "code", "engine", "packages", "machine", "jobs_of_models")
_SHOWN = 60


def compare(a: str | Path, b: str | Path) -> pd.DataFrame:
    """The paired differences of two studies, B − A, for each team and defence: on each dataset, and over all (`all`).

    A pair is one question (the same id, prompt and reference) under one seed, scored in both studies. Every dataset has the
    same weight. Columns `COMPARED`; intervals and p-values as in the tables, Holm-adjusted.

    Raises:
        StudyError: a study without tables, or nothing in common.
    """
    pairs = _scores(Path(a), "a").merge(_scores(Path(b), "b"), on=[*CELL, "id", "prompt", "item"]).dropna()
    if pairs.empty:
        raise StudyError(
            f"{a}, {b}: no scores in common; compare studies of the same pools, methods, datasets and seeds"
        )
    rows = []
    for (method, pool, defence), own in pairs.groupby(["method", "pool", "defence"], sort=False):
        parts = dict(list(own.groupby("dataset", sort=False)))
        if len(parts) > 1:
            parts[ALL] = own
        rows += [_row(method, pool, defence, dataset, part) for dataset, part in parts.items()]
    return adjusted(pd.DataFrame(rows, columns=COMPARED))


def _scores(study: Path, column: str) -> pd.DataFrame:
    """The scores that the study's table was made of, as `column`, each beside its question."""
    inputs = read_manifest(study, _TABLE)["inputs"]
    names = [name for name in inputs if _RUN_SCORES in name]
    labels, paths = [], []
    for name in names:
        home, _, team = name.partition(_RUN_SCORES)
        seed = home.rpartition("seed-")[2]
        labels.append(dict(zip(TEAM_FILE, [int(seed), *team.removesuffix(".parquet").split("/")], strict=True)))
        paths.append(study / f"seed-{seed}" / "scores" / "runs" / team)
    scores = read_scores(paths, labels).rename(columns={"score": column})
    for path, name in zip(paths, names, strict=True):
        if hash_file(path) != inputs[name]:
            raise StudyError(f"{path}: newer than the study's tables; run the study again first")
    questions = [
        read_table(study / "datasets" / dataset / "test.parquet", QUESTIONS).to_pandas().assign(dataset=dataset)
        for dataset in scores["dataset"].unique()
    ]
    return scores.merge(pd.concat(questions), on=["dataset", "id"])[[*CELL, "id", "prompt", "item", column]]


def _row(method: str, pool: str, defence: str, dataset: str, pairs: pd.DataFrame) -> list[Any]:
    """One row of `COMPARED`."""
    per_dataset = pairs.groupby("dataset")
    weights = 1 / per_dataset["id"].transform("size") / per_dataset.ngroups
    questions = pairs.groupby(["dataset", "id"]).ngroup()
    seed = derive("compare", method, pool, defence, dataset)
    a, b = (float((pairs[name] * weights).sum()) for name in ("a", "b"))
    low, high = statistics.interval(pairs["b"] - pairs["a"], per_dataset.ngroup(), weights, questions, seed=seed)
    p_value = statistics.p_value(pairs["a"], pairs["b"], weights, questions, seed=seed)
    keys = [method, pool, defence, dataset, len(pairs), pairs["seed"].nunique()]
    return [*keys, a, b, b - a, low, high, p_value]


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What two manifests say differently: (key, in A, in B), deeper keys joined by dots. `–`: absent."""
    flat_a, flat_b = (dict(pair for part in _PARTS for pair in _flat(part, one.get(part))) for one in (a, b))
    both = [(key, flat_a.get(key, "–"), flat_b.get(key, "–")) for key in {**flat_a, **flat_b}]
    return [(key, one, other) for key, one, other in both if one != other]


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner)
    else:
        yield key, json.dumps(value, ensure_ascii=False, sort_keys=True)


def text(table: pd.DataFrame, differing: list[tuple[str, str, str]]) -> str:
    """The comparison as Markdown."""
    rows = []
    for row in table.to_dict("records"):
        names = [markdown_text(row[name]) for name in ("method", "pool", "defence", "dataset")]
        a, b, difference, low, high = (
            f"{100 * row[name]:.1f}" for name in ("a", "b", "difference", "difference_low", "difference_high")
        )
        rows.append([*names, row["n"], a, b, f"{difference} [{low}, {high}]", f"{row['p_value']:.3f}"])
    scores = _table(["method", "pool", "defence", "dataset", "n", "A", "B", "B − A [95 %]", "p, adjusted"], rows)
    cells = [[markdown_text(part[:_SHOWN]) for part in one] for one in differing]
    others = _table(["what", "A", "B"], cells) if cells else "Nothing that the manifests contain."
    return f"Mean test scores in %\n\n{scores}\n\nWhat differs in how they were made\n\n{others}"


def _table(head: list[str], rows: list[list[Any]]) -> str:
    return tabulate(rows, head, tablefmt="github", disable_numparse=True)


def main() -> int:
    """Print the comparison as Markdown, and write its table as CSV with `--csv`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", help="the results of a study: results/{study}")
    parser.add_argument("b", help="those of another")
    parser.add_argument("--csv", help="where to write the table as CSV")
    arguments = parser.parse_args()
    table = compare(arguments.a, arguments.b)
    print(text(table, differences(*(read_manifest(study, _TABLE) for study in (arguments.a, arguments.b)))))
    if arguments.csv:
        write_text(arguments.csv, csv_text(table))
    return 0


if __name__ == "__main__":
    run_command(main)
