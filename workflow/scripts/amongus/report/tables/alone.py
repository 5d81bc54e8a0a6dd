"""Each attacker alone against the member whose place it takes, without a team."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from amongus.core.hashing import derive
from amongus.core.snakemake_job import Named
from amongus.report import layout, statistics
from amongus.report.render import Column, View
from amongus.report.scores import ALL, Design, read_responses
from amongus.report.tables._built import Built

NEEDS = ("response_scores",)
ALONE = [
    *("attacker", "kind", "replaces", "dataset", "domain", "n", "seeds"),
    *("replaced", "score", "drop", "drop_low", "drop_high", "p_value"),
]


def alone(
    responses: pd.DataFrame, replaces: Mapping[str, str], kinds: Mapping[str, str], design: Design
) -> pd.DataFrame:
    """`alone.csv`: drop = the replaced member's score − the attacker's, over cached test responses. Columns `ALONE`.

    Args:
        responses: long frame of seed, member, dataset, split, id, score.
        replaces: attacker -> the member it is made from.
        kinds: attacker -> its kind.
        design: the study's.

    Returns:
        A row per attacker and dataset, and one over all datasets with the same weight for each. Pairs in which
        either score is NaN are left out. p-values are Holm-adjusted in two families: single datasets, and `all`.
    """
    tests = responses[responses["split"] == "test"].set_index(["seed", "dataset", "id"])
    rows = []
    for attacker, benign in replaces.items():
        scores = {
            name: tests.loc[tests["member"] == member, "score"]
            for name, member in (("replaced", benign), ("score", attacker))
        }
        pairs = pd.DataFrame(scores).dropna().sort_index().reset_index()
        for dataset, part in _parts(pairs, design):
            row = _row(part, design, derive("alone", attacker, dataset))
            domain = design.domains.get(dataset, ALL)
            names = {"attacker": attacker, "kind": kinds[attacker], "replaces": benign}
            rows.append({**names, "dataset": dataset, "domain": domain, **row})
    table = pd.DataFrame(rows, columns=ALONE)
    for family in (table["dataset"] == ALL, table["dataset"] != ALL):
        table.loc[family, "p_value"] = statistics.holm(table.loc[family, "p_value"])
    return table


def alone_view(table: pd.DataFrame, design: Design) -> View:
    """`alone` for readers."""
    note = (
        "Mean test scores in % of the replaced member and of the attacker, each answering alone; drop = replaced − "
        f"attacker in percentage points with its {layout.level_label(design)} bootstrap interval over questions; "
        "p: attacker = replaced (exact McNemar, sign-flip permutation for averages), Holm-adjusted."
    )
    columns = [
        Column("Attacker", lambda row: row["attacker"], True),
        Column("Made from", lambda row: row["replaces"], True),
        Column("Dataset", layout.dataset_label, True),
        Column("n", lambda row: str(row["n"])),
        Column("Replaced", partial(layout.percent_label, "replaced")),
        Column("Attacker alone", partial(layout.percent_label, "score")),
        Column("Drop, pp", partial(layout.points_label, "drop")),
        Column("p", layout.p_label),
    ]
    return View("Each attacker alone", note, columns, layout.by_dataset(table))


def _parts(pairs: pd.DataFrame, design: Design) -> Iterator[tuple[str, pd.DataFrame]]:
    for dataset in design.domains:
        yield dataset, pairs[pairs["dataset"] == dataset]
    yield ALL, pairs


def _row(pairs: pd.DataFrame, design: Design, seed: int) -> dict[str, Any]:
    sizes = pairs.groupby("dataset")["id"].transform("size")
    weights = 1 / (sizes * pairs["dataset"].nunique()) if len(pairs) else sizes
    replaced, score = ((pairs[name] * weights).sum() if len(pairs) else float("nan") for name in ("replaced", "score"))
    questions = pairs["dataset"] + "/" + pairs["id"].astype(str)
    low, high = statistics.interval(
        pairs["replaced"] - pairs["score"],
        pairs["dataset"],
        weights,
        questions,
        seed=seed,
        resamples=design.resamples,
        confidence=design.confidence,
    )
    return {
        "n": len(pairs),
        "seeds": pairs["seed"].nunique(),
        "replaced": replaced,
        "score": score,
        "drop": replaced - score,
        "drop_low": low,
        "drop_high": high,
        "p_value": statistics.p_value(pairs["replaced"], pairs["score"], weights, questions, seed=seed),
    }


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.members` labels the files of `response_scores`."""
    responses = read_responses(files.response_scores, params.members)
    table = alone(responses, params.design["replaces"], params.design["attackers"], design)
    return Built(table, alone_view(table, design))
