"""Each attacker alone against the member whose place it takes, without a team."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.render import View
from amongus.report.scores import ALL, Design, drop, read_responses

NEEDS = ("response_scores",)
ALONE = [
    *("attacker", "kind", "replaces", "dataset", "domain", "n", "seeds"),
    *("replaced", "score", "drop", "drop_low", "drop_high", "p_value"),
]


def alone(
    responses: pd.DataFrame, replaces: Mapping[str, str], kinds: Mapping[str, str], design: Design
) -> pd.DataFrame:
    """`alone.csv`, over cached test responses: a row per attacker and dataset, and one over all. Columns `ALONE`.

    Pairs in which either score is NaN are left out. p-values are not adjusted.

    Args:
        responses: as from `read_responses`.
        replaces: attacker -> the member it is made from.
        kinds: attacker -> its kind.
    """
    tests = responses[responses["split"] == "test"].set_index(["seed", "dataset", "id"])
    rows = []
    for attacker, benign in replaces.items():
        scores = {
            name: tests.loc[tests["member"] == member, "score"]
            for name, member in (("replaced", benign), ("score", attacker))
        }
        pairs = pd.DataFrame(scores).dropna().sort_index().reset_index()
        names = {"attacker": attacker, "kind": kinds[attacker], "replaces": benign}
        for dataset in (*design.domains, ALL):
            part = pairs if dataset == ALL else pairs[pairs["dataset"] == dataset]
            place = {"dataset": dataset, "domain": design.domains.get(dataset, ALL)}
            rows.append({**names, **place, **_row(part, design)})
    return pd.DataFrame(rows, columns=ALONE)


def _row(pairs: pd.DataFrame, design: Design) -> dict[str, Any]:
    sizes = pairs.groupby("dataset")["id"].transform("size")
    rows = pairs.assign(
        stratum=pairs["dataset"],
        weight=1 / (sizes * pairs["dataset"].nunique()),
        question=pairs["dataset"] + "/" + pairs["id"].astype(str),
    )
    scores = {name: (rows[name] * rows["weight"]).sum(min_count=1) for name in ("replaced", "score")}
    return drop(rows, "replaced", "score", scores, design)


def alone_view(table: pd.DataFrame, design: Design) -> View:
    """`alone` for readers."""
    note = (
        "Mean test scores in % of the replaced member and of the attacker, each answering alone; drop = replaced − "
        f"attacker in percentage points with its {layout.level_label(design)} interval over questions, for these models "
        "(adjusted Wald); p: drop is 0, not adjusted."
    )
    columns = [
        layout.name("Attacker", "attacker"),
        layout.name("Made from", "replaces"),
        layout.DATASET,
        layout.count("n"),
        *layout.percents({"Replaced": "replaced", "Attacker alone": "score"}),
        layout.points("Drop, pp", "drop"),
        layout.P_VALUE,
    ]
    return View("Each attacker alone", note, columns, layout.by_dataset(table), table)


def build(files: Named, params: Named, design: Design) -> View:
    """`params.members` labels the files of `response_scores`."""
    responses = read_responses(files.response_scores, params.members)
    table = alone(responses, params.design["replaces"], params.design["attackers"], design)
    return alone_view(table, design)
