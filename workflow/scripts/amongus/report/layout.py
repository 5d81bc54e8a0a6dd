"""The layout of tables for readers: scores in per cent, differences in percentage points."""

from collections.abc import Mapping
from functools import partial
from math import isnan
from typing import Any

import pandas as pd

from amongus.report.render import Column, View
from amongus.report.scores import ALL, Design

NOTHING = "–"
NOT_APPLICABLE = "not applicable"
_DAGGER = "†"
Row = Mapping[str, Any]


def impact_view(table: pd.DataFrame, design: Design) -> View:
    """`tables.impact` for readers."""
    note = (
        "Mean scores in % of the clean pool, of the pool with the attacker's place left empty, and of "
        "the attacked pool; drop = clean − attacked in percentage points with its "
        f"{level_label(design)} bootstrap interval over questions; p: attacked = clean (exact "
        "McNemar, sign-flip permutation for averages), Holm-adjusted. Averages give each dataset the same "
        "weight."
    )
    columns = [
        *_where("Pool"),
        Column("n", lambda row: str(row["n"]) if row["applicable"] else NOTHING),
        Column("Clean", partial(percent_label, "clean")),
        Column("Empty", partial(percent_label, "empty")),
        Column("Attacked", partial(percent_label, "score")),
        Column("Drop, pp", lambda row: points_label("drop", row) if row["applicable"] else NOT_APPLICABLE),
        Column("p", p_label),
    ]
    return View("What each attacker costs", note, columns, by_dataset(table))


def mitigation_view(table: pd.DataFrame, design: Design) -> View:
    """`tables.mitigation` for readers."""
    note = (
        "Mean scores in %: of the clean and the attacked pool without and with the defence, and of the "
        "attacked pool's controls (place left empty, a random member masked, the attacker masked). "
        "Recovery = defended ÷ clean, undefended = attacked ÷ clean; net = (defended − attacked) − (clean "
        "defended − clean) in "
        f"percentage points; recovery and net with {level_label(design)} bootstrap intervals; p: defended = "
        "attacked, Holm-adjusted. Caught: questions with an attacker among the candidates in which one was masked."
        f"{_overlaps(table)}"
    )
    columns = [
        *_where("Pool", "Defence"),
        Column("n", lambda row: str(row["n"]) if row["applicable"] else NOTHING),
        Column("Clean", partial(percent_label, "clean")),
        Column("Clean defended", partial(percent_label, "clean_defended")),
        Column("Attacked", partial(percent_label, "attacked")),
        Column("Empty", partial(percent_label, "empty")),
        Column("Random", partial(percent_label, "random")),
        Column("Oracle", partial(percent_label, "oracle")),
        Column("Defended", partial(percent_label, "score")),
        Column("Recovery", partial(points_label, "recovery")),
        Column("Undefended", partial(percent_label, "undefended")),
        Column("Net, pp", lambda row: points_label("net", row) if row["applicable"] else NOT_APPLICABLE),
        Column("p", p_label),
        Column("Caught", partial(percent_label, "masked_attacker")),
    ]
    return View("What each defence wins back", note, columns, by_dataset(table))


def supervisors_view(table: pd.DataFrame, design: Design) -> View:
    """`supervisors.supervisors` for readers."""
    note = (
        "Caught: % of the questions with an attacker among the candidates in which one was masked, with "
        f"Wilson's {level_label(design)} interval over decisions, beside the % that a random mask would hit. "
        "Wrong masked: % of masks that hit a member whose own answer was wrong, beside the % of wrong "
        "answers "
        "among the candidates. Unparsable: questions on which the supervisor could not be read."
        f"{_overlaps(table)}"
    )
    columns = [
        *_where("Pool", "Supervisor"),
        Column("Questions", lambda row: str(row["with_attacker"] or NOTHING)),
        Column("Decisions", lambda row: str(row["decisions"] or NOTHING)),
        Column("Caught", _caught),
        Column("Chance", partial(percent_label, "chance")),
        Column("Benign masked", partial(percent_label, "masked_other")),
        Column("Wrong masked", partial(percent_label, "masked_wrong")),
        Column("Chance of wrong", partial(percent_label, "chance_wrong")),
        Column("Unparsable", lambda row: str(row["unparsable"])),
    ]
    idle = (table["with_attacker"] == 0) & (table["masks"] == 0) & (table["unparsable"] == 0)
    return View("How often each supervisor masked the right member", note, columns, by_dataset(table[~idle]))


def paper_view(table: pd.DataFrame, design: Design) -> View:
    """`paper.headline` for readers."""
    note = (
        "The paper's headline figures by their definition, next to this study's: means over cells (attacked "
        "pool × method × dataset, for recoveries × defence) of the same weight, on methods that all have in "
        "common. Change = attacked ÷ clean − 1, undefended; recovery = defended ÷ clean; both in %, and as "
        "attacked or defended − clean in percentage points, with "
        f"{level_label(design)} bootstrap intervals over questions, drawn once for all cells. (Which of the "
        "two the paper's drops are is not settled here.) Beside a recovery, on the same cells: attacked ÷ clean "
        "without the defence, and the clean pool with the defence ÷ clean."
    )
    columns = [
        Column("Domain", lambda row: row["domain"], True),
        Column("Defence", lambda row: row["defences"], True),
        Column("Paper, %", partial(percent_label, "paper", digits=2)),
        Column("Ours, %", partial(points_label, "relative")),
        Column("Ours, pp", partial(points_label, "points")),
        Column("Undefended, %", partial(percent_label, "undefended")),
        Column("Clean defended, %", partial(percent_label, "clean_defended")),
        Column("Cells", lambda row: str(row["cells"])),
        Column("Over", _over, True),
    ]
    drops = table["figure"] == "drop"
    sections = {"Change of performance under attack": table[drops], "Recovery": table[~drops]}
    return View("The paper's headline figures", note, columns, sections)


def _over(row: Row) -> str:
    if row["note"]:
        return row["note"]
    missing = f" ({row['no_ratio']} without a ratio: the clean pool scored 0)" if row["no_ratio"] else ""
    return f"{row['methods']}; pools: {row['pools']}; datasets: {row['datasets']}{missing}"


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


def _where(pool: str, defence: str | None = None) -> list[Column]:
    columns = [Column("Method", method_label, True), Column(pool, lambda row: row["pool"], True)]
    if defence:
        columns.append(Column(defence, _defence_label, True))
    return [*columns, Column("Dataset", dataset_label, True)]


def _defence_label(row: Row) -> str:
    return f"{row['defence']}{_DAGGER if row['overlap'] else ''}"


def _overlaps(table: pd.DataFrame) -> str:
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


def points_label(column: str, row: Row) -> str:
    """A figure in percentage points, with its interval where it has one."""
    if isnan(row[column]):
        return NOTHING
    low, high = (100 * row[f"{column}_{end}"] for end in ("low", "high"))
    bounds = "" if isnan(low) else f" [{_number(low)}, {_number(high)}]"
    return f"{_number(100 * row[column])}{bounds}"


def _caught(row: Row) -> str:
    if isnan(row["masked_attacker"]):
        return NOTHING
    low, high = (_number(100 * row[f"masked_{end}"]) for end in ("low", "high"))
    return f"{_number(100 * row['masked_attacker'])} [{low}, {high}]"


def p_label(row: Row) -> str:
    """The p-value of a row."""
    value = row["p_value"]
    if isnan(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"
