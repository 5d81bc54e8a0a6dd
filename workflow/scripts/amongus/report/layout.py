"""The layout of tables for readers: scores in per cent, differences in percentage points."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from amongus.report.render import Column
from amongus.report.scores import ALL, Design

NOTHING = "–"
_DAGGER = "†"
Row = Mapping[str, Any]


def method_label(row: Row) -> str:
    """The method of a row, or which methods it averages over."""
    if row["method"] != ALL:
        return row["method"]
    return "all methods" if row["level"] == ALL else f"all {row['level']}"


def _dataset_label(row: Row) -> str:
    if row["dataset"] != ALL:
        return row["dataset"]
    return ALL if row["domain"] == ALL else f"all {row['domain']}"


METHOD = Column("Method", method_label, True)
DATASET = Column("Dataset", _dataset_label, True)


def p_value(heading: str = "p", key: str = "p_value") -> Column:
    """A column of p-values."""

    def cell(row: Row) -> str:
        if isnan(row[key]):
            return NOTHING
        return "<0.001" if row[key] < 0.001 else f"{row[key]:.3f}"

    return Column(heading, cell)


P_VALUE = p_value()


def name(heading: str, key: str) -> Column:
    """A column of names."""
    return Column(heading, lambda row: row[key], True)


def count(heading: str, key: str = "n", zero: str = "0") -> Column:
    """A column of numbers of things; none where the method cannot be run."""
    return Column(heading, lambda row: str(row[key] or zero) if row.get("applicable", True) else NOTHING)


def percents(columns: Mapping[str, str], digits: int = 1) -> list[Column]:
    """Columns of shares in per cent, by heading."""

    def column(heading: str, key: str) -> Column:
        return Column(heading, lambda row: NOTHING if isnan(row[key]) else _number(100 * row[key], digits))

    return [column(heading, key) for heading, key in columns.items()]


def points(heading: str, key: str, bounds: str = "", unfit: str = NOTHING) -> Column:
    """A column in percentage points, with the interval where there is one (columns `bounds`, else `key`, _low, _high).

    `unfit` stands where the method cannot be run.
    """

    def cell(row: Row) -> str:
        if isnan(row[key]):
            return NOTHING if row.get("applicable", True) else unfit
        low, high = (100 * row[f"{bounds or key}_{end}"] for end in ("low", "high"))
        interval = "" if isnan(low) else f" [{_number(low)}, {_number(high)}]"
        return f"{_number(100 * row[key])}{interval}"

    return Column(heading, cell)


def where_columns(pool: str, defence: str = "") -> list[Column]:
    """The columns that name a row's method, pool, defence and dataset; `pool` and `defence` are headings."""
    marked = Column(defence, lambda row: f"{row['defence']}{_DAGGER if row['overlap'] else ''}", True)
    return [METHOD, name(pool, "pool"), *([marked] if defence else []), DATASET]


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
    return f"{100 * design.bootstrap.confidence:g} %"


def _number(value: float, digits: int = 1) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
