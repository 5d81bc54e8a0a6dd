"""What each rule's jobs loaded, generated and took."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.cost_sidecars import COUNTS
from amongus.report.render import View
from amongus.report.scores import Design

NEEDS = ("sidecars",)
COST = ["rule", "jobs", *COUNTS]


def cost(records: Mapping[str, Any]) -> pd.DataFrame:
    """`cost.csv`: sums over the jobs of each rule. Columns `COST`, rules sorted.

    Args:
        records: a sidecar's path -> what its job counted: `rule` and any of `COST`'s figures (absent: 0).

    Raises:
        StudyError: a sidecar without a rule, or with a figure that is not a number of at least 0.
    """
    rows = []
    for path, record in records.items():
        counts = record if isinstance(record, Mapping) else {}
        figures = {name: counts.get(name, 0) for name in COUNTS}
        sound = all(isinstance(figure, int | float) and 0 <= figure < float("inf") for figure in figures.values())
        if not isinstance(counts.get("rule"), str) or not sound:
            raise StudyError(f"{path}: not the costs of a job; delete it and run its job again")
        rows.append({"rule": counts["rule"], "jobs": 1, **figures})
    return pd.DataFrame(rows, columns=COST).groupby("rule", as_index=False)[COST[1:]].sum()


def build(files: Named, params: Named, design: Design) -> View:
    """`files.sidecars` are the jobs' own."""
    table = cost({str(path): read_json(path) for path in files.sidecars})
    columns = [layout.name("rule", "rule"), *(layout.count(key.replace("_", " "), key) for key in COST[1:])]
    return View("What it took", "Sums over the jobs of each rule.", columns, {"All jobs": table}, table)
