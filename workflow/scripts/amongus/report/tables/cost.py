"""What each rule's jobs loaded, generated and took."""

from collections.abc import Sequence
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


def cost(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """`cost.csv`: sums over the jobs of each rule, from what `write_cost` wrote. Columns `COST`, rules sorted."""
    jobs = pd.DataFrame(records, columns=["rule", *COUNTS]).assign(jobs=1)
    return jobs.groupby("rule", as_index=False)[COST[1:]].sum()


def _record(path: str) -> dict[str, Any]:
    """What one job took.

    Raises:
        StudyError: the file is not what `write_cost` writes.
    """
    record = read_json(path)
    sound = isinstance(record, dict) and isinstance(record.get("rule"), str)
    if not sound or not all(isinstance(record.get(key, 0), int | float) for key in COUNTS):
        raise StudyError(f"{path}: not the costs of a job; delete it and run its job again")
    return record


def build(files: Named, params: Named, design: Design) -> View:
    """`files.sidecars` are the jobs' own."""
    table = cost([_record(path) for path in files.sidecars])
    columns = [layout.name("rule", "rule"), *(layout.count(key.replace("_", " "), key) for key in COST[1:])]
    return View("What it took", "Sums over the jobs of each rule.", columns, {"All jobs": table}, table)
