"""The layout of tables for readers: scores in per cent, differences in percentage points."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from amongus.report.render import Column
from amongus.report.scores import ALL, Design

NOTHING = "–"
NOT_APPLICABLE = "not applicable"
_DAGGER = "†"
Row = Mapping[str, Any]


def method_label(row: Row) -> str:
    """The method of a row, or which methods it averages over."""
    if row["method"] != ALL:
        return row["method"]
    return "all methods" if row["level"] == ALL else f"all {row['level']}"


def dataset_label(row: Row) -> str:
    """The dataset of a row, or which datasets it averages over."""
    if row["dataset"] != ALL:
        return row["dataset"]
    return ALL if row["domain"] == ALL else f"all {row['domain']}"


def where_columns(pool: str, defence: str | None = None) -> list[Column]:
    """The columns that name a row's method, pool, defence and dataset; `pool` and `defence` are headings."""
    columns = [Column("Method", method_label, True), Column(pool, lambda row: row["pool"], True)]
    if defence:
        columns.append(Column(defence, _defence_label, True))
    return [*columns, Column("Dataset", dataset_label, True)]


def _defence_label(row: Row) -> str:
    return f"{row['defence']}{_DAGGER if row['overlap'] else ''}"


def overlaps_note(table: pd.DataFrame) -> str:
    """The sentence that explains the daggers of `table`, if any: each reason with its pools and defence."""
    marked = table.loc[table["overlap"] != "", ["defence", "pool", "overlap"]].drop_duplicates()
    if marked.empty:
        return ""
    reasons = [
        f"{defence} in {', '.join(rows['pool'])}: {reason}"
        for (defence, reason), rows in marked.groupby(["defence", "overlap"], sort=False)
    ]
    return f" {_DAGGER} The supervisor is not independent ({'; '.join(reasons)})."


def by_dataset(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The sections of most tables: rows over datasets, and single datasets."""
    over = table["dataset"] == ALL
    return {"Over datasets": table[over], "By dataset": table[~over]}


def level_label(design: Design) -> str:
    """The confidence level of intervals."""
    return f"{100 * design.confidence:g} %"


def _number(value: float, digits: int = 1) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def percent_label(column: str, row: Row, digits: int = 1) -> str:
    """A share in per cent."""
    return NOTHING if isnan(row[column]) else _number(100 * row[column], digits)


def points_label(column: str, row: Row, bounds: str | None = None) -> str:
    """A figure in percentage points, with its interval where it has one (columns `bounds`_low and _high)."""
    if isnan(row[column]):
        return NOTHING
    low, high = (100 * row[f"{bounds or column}_{end}"] for end in ("low", "high"))
    bounds = "" if isnan(low) else f" [{_number(low)}, {_number(high)}]"
    return f"{_number(100 * row[column])}{bounds}"


def p_label(row: Row) -> str:
    """The p-value of a row."""
    value = row["p_value"]
    if isnan(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"
