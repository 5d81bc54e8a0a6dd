"""The table of what each rule's jobs loaded, asked and took."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from amongus.core.snakemake_job import Named
from amongus.report.builders._built import Built
from amongus.report.render import Column, View
from amongus.report.scores import Design
from amongus.report.tables import COST, cost, read_costs

NEEDS = ("sidecars",)


def build(files: Named, params: Named, design: Design) -> Built:
    """`files.sidecars` are the jobs' own."""
    table = cost(read_costs(files.sidecars))
    columns = [Column(name.replace("_", " "), partial(_figure, name), name == "rule") for name in COST]
    return Built(
        table, View("What it took", "Sums over the jobs of each rule.", columns, {"All jobs": table})
    )


def _figure(name: str, row: Mapping[str, Any]) -> str:
    return str(row[name])
