"""What each attacked pool loses against the clean one, undefended."""

from typing import Any

import pandas as pd

from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.render import View
from amongus.report.scores import Cells, Design, Group, Span, attacked_rows, drop, means, read_scores, support

NEEDS = ("scores",)
IMPACT = [
    *("level", "method", "attacker", "pool", "dataset", "domain", "n", "seeds"),
    *("clean", "empty", "score", "drop", "drop_low", "drop_high", "p_value", "applicable"),
]


def impact(scores: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`impact.csv`, with columns `IMPACT`, on the n pairs (question and seed) scored in both pools.

    empty: where scored; score: of the attacked pool; p_value: that drop is 0, not adjusted; applicable: False where the
    method cannot be run.
    """
    cells = Cells(scores)

    def figures(group: Group, pool: str, span: Span) -> dict[str, Any]:
        empty = design.controls.get(pool, "")
        roles = {"clean": (design.clean, "none"), "score": (pool, "none"), "empty": (empty, "none")}
        rows = support(cells, group, span, roles, ["clean", "score"])
        return drop(rows, "clean", "score", means(rows, roles), design)

    return pd.DataFrame(attacked_rows(cells, design, "none", figures), columns=IMPACT)


def impact_view(table: pd.DataFrame, design: Design) -> View:
    """`impact` for readers."""
    note = (
        "Mean scores in % of the clean pool, of the pool with the attacker's place left empty, and of the attacked "
        "pool; drop = clean − attacked in percentage points with its "
        f"{layout.level_label(design)} interval over questions, for these models (adjusted Wald); p: drop is 0, not "
        "adjusted: this table is exploratory, and a drop is a vacancy and malice together (see malice). Averages give "
        "each dataset the same weight."
    )
    columns = [
        *layout.where_columns("Pool"),
        layout.count("n"),
        *layout.percents({"Clean": "clean", "Empty": "empty", "Attacked": "score"}),
        layout.points("Drop, pp", "drop", unfit="not applicable"),
        layout.P_VALUE,
    ]
    return View("What each attacker costs", note, columns, layout.by_dataset(table), table)


def build(files: Named, params: Named, design: Design) -> View:
    """`params.teams` labels the files of `scores`."""
    return impact_view(impact(read_scores(files.scores, params.teams), design), design)
