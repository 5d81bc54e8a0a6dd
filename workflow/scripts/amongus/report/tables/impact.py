"""What each attacked pool loses against the clean one, undefended."""

from functools import partial
from typing import Any

import pandas as pd

from amongus.core.hashing import derive
from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.render import Column, View
from amongus.report.scores import (
    Cells,
    Design,
    Group,
    Span,
    adjusted,
    common_datasets,
    groups,
    interval_of,
    means,
    p_value_of,
    read_scores,
    row_keys,
    spans,
    support,
)
from amongus.report.tables._built import Built

NEEDS = ("scores",)
IMPACT = [
    *("level", "method", "attacker", "pool", "dataset", "domain", "n", "seeds"),
    *("clean", "empty", "score", "drop", "drop_low", "drop_high", "p_value", "applicable"),
]


def impact(scores: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`impact.csv`: what each attacked pool loses against the clean one, undefended. Columns `IMPACT`.

    n: pairs (question and seed) scored in both pools; seeds: how many; clean, score: mean scores on them of
    the clean and of the attacked pool; empty: of the pool without its attackers, where scored; drop = clean
    - score with its bootstrap interval; p_value: attacked = clean, Holm-adjusted, the rows of one method
    and one dataset as one family and the rows that aggregate as another; applicable: False where the method
    cannot be run.
    """
    cells = Cells(scores)
    rows = []
    for group in groups(design, cells.methods("none")):
        for pool in design.attacked:
            applicable = design.applicable(pool, group)
            needed = [(design.clean, "none"), *([(pool, "none")] if applicable else [])]
            for span in spans(design, common_datasets(cells, design, group, needed)):
                row = _impact_row(cells, design, group, pool, span) if applicable else {"n": 0, "seeds": 0}
                rows.append({**row_keys(design, group, pool, span), **row, "applicable": applicable})
    return adjusted(pd.DataFrame(rows, columns=IMPACT))


def _impact_row(cells: Cells, design: Design, group: Group, pool: str, span: Span) -> dict[str, Any]:
    empty = design.controls.get(pool, "")
    roles = {"clean": (design.clean, "none"), "score": (pool, "none"), "empty": (empty, "none")}
    rows = support(cells, group, span, roles, ["clean", "score"])
    seed = derive("impact", group.level, group.method, pool, span.domain, span.dataset)
    low, high = interval_of(rows, rows["clean"] - rows["score"], design, seed, 1.0)
    scores = means(rows, roles)
    return {
        "n": len(rows),
        "seeds": rows["seed"].nunique(),
        **scores,
        "drop": scores["clean"] - scores["score"],
        "drop_low": low,
        "drop_high": high,
        "p_value": p_value_of(rows, "clean", "score", seed),
    }


def impact_view(table: pd.DataFrame, design: Design) -> View:
    """`impact` for readers."""
    note = (
        "Mean scores in % of the clean pool, of the pool with the attacker's place left empty, and of "
        "the attacked pool; drop = clean − attacked in percentage points with its "
        f"{layout.level_label(design)} bootstrap interval over questions; p: attacked = clean (exact "
        "McNemar, sign-flip permutation for averages), Holm-adjusted. Averages give each dataset the same "
        "weight."
    )
    columns = [
        *layout.where_columns("Pool"),
        Column("n", lambda row: str(row["n"]) if row["applicable"] else layout.NOTHING),
        Column("Clean", partial(layout.percent_label, "clean")),
        Column("Empty", partial(layout.percent_label, "empty")),
        Column("Attacked", partial(layout.percent_label, "score")),
        Column(
            "Drop, pp", lambda row: layout.points_label("drop", row) if row["applicable"] else layout.NOT_APPLICABLE
        ),
        Column("p", layout.p_label),
    ]
    return View("What each attacker costs", note, columns, layout.by_dataset(table))


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.teams` labels the files of `scores`."""
    table = impact(read_scores(files.scores, params.teams), design)
    return Built(table, impact_view(table, design))
