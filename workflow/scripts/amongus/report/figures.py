"""The tables as pictures: dot plots of the scores over all datasets, a panel per pool or per method.

Colours are Okabe and Ito's, which colour-blind readers can distinguish; every series also has its own marker. The
same table gives the same bytes: no dates, no random ids.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from amongus.core.atomic import whole_file
from amongus.report.layout import level_label, method_label
from amongus.report.render import plain
from amongus.report.scores import ALL, Design

# Names must not be parsed as formulas; a fixed salt makes the ids of an SVG repeat.
_STYLE = {
    "text.parse_math": False,
    "svg.hashsalt": "amongus",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.edgecolor": "#999999",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
_SERIES = (("#0072B2", "o"), ("#009E73", "s"), ("#CC79A7", "D"), ("#E69F00", "^"), ("#56B4E9", "v"), ("#8A6D00", "P"))
_ATTACKED = "#D55E00"
_BLACK = "#222222"
_GREY = "#6F6F6F"
_NAMES = ("level", "method", "attacker", "pool", "defence", "dataset", "domain", "applicable", "overlap")
_LONGEST = 24
_ROW_INCHES = 0.23
_CONTROL_MARKS = {
    "empty": ("D", "attacker's place left empty"),
    "random": ("X", "random member masked"),
    "oracle": ("*", "attacker masked (oracle)"),
}

Row = Mapping[str, Any]


def draw(name: str, table: pd.DataFrame, design: Design, path: str | Path) -> None:
    """Write the picture of the table `name`: impact, mitigation or supervisors. The suffix: .png or .svg."""
    kind = Path(path).suffix.removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with matplotlib.rc_context(_STYLE), whole_file(path) as temporary:  # type: ignore[arg-type]
        figure = {"impact": _impact, "mitigation": _mitigation, "supervisors": _supervisors}[name](table, design)
        figure.savefig(temporary, format=kind, dpi=150, metadata=metadata)


def read(path: str | Path) -> pd.DataFrame:
    """A table as `render.csv_text` wrote it: names as text, figures as numbers, NaN where there is none."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    figures = [name for name in table if name not in _NAMES]
    return table.assign(**{name: pd.to_numeric(table[name]).astype(float) for name in figures})


def _impact(table: pd.DataFrame, design: Design) -> Figure:
    """Drop per method, a panel per attacked pool, beside what leaving the attacker's place empty costs."""
    rows = _overall(table)
    places = list(dict.fromkeys(("", method_label(row)) for row in rows.to_dict("records")))
    pools = [pool for pool in design.attacked if pool in set(rows["pool"])]
    panels = _Panels(pools, places, 2 if len(pools) in (2, 4) else 3, "What attackers cost, all datasets")
    for pool, axes in panels.axes.items():
        axes.axvline(0, color=_GREY, linewidth=0.9)
        for row in rows[rows["pool"] == pool].to_dict("records"):
            y = places.index(("", method_label(row)))
            if row["applicable"] == "true":
                _interval(axes, y, [row["drop"], row["drop_low"], row["drop_high"]], _ATTACKED, "o")
                axes.plot(100 * (row["clean"] - row["empty"]), y, **_ring("D"))
            else:
                _not_applicable(axes, y)
        axes.set_title(_short(pool))
        axes.set_xlabel("Drop from the clean pool (percentage points)")
    return panels.finish(
        [
            _key(_ATTACKED, "o", f"clean − attacked, {level_label(design)} interval"),
            Line2D([], [], **_ring("D"), label="clean − attacker's place left empty"),
        ]
    )


def _mitigation(table: pd.DataFrame, design: Design) -> Figure:
    """Scores with each defence and their intervals beside the controls, a panel per method, the pools in turn."""
    rows = _overall(table)
    rows = rows[(rows["method"] != ALL) & (rows["applicable"] == "true")]
    panels, defences = _by_method(rows, design, ("random", "oracle"), "What defences win back, all datasets")
    for method, axes in panels.axes.items():
        for row in rows[rows["method"] == method].to_dict("records"):
            _controls(axes, row, panels.places.index((row["pool"], "")), len(defences))
            if row["defence"] in defences:
                y = panels.places.index((row["pool"], row["defence"]))
                axes.plot(100 * row["clean_defended"], y, **_ring("o"))
                bounds = [row["score"], row["score_low"], row["score_high"]]
                _interval(axes, y, bounds, *_series(defences.index(row["defence"])))
        axes.set_xlabel("Score (%)")
    return panels.finish(
        [
            Line2D([], [], color=_BLACK, label="clean pool"),
            Line2D([], [], color=_ATTACKED, label="attacked, undefended"),
            *(
                _key(*_series(i), f"attacked, {_short(name)}, {level_label(design)} interval")
                for i, name in enumerate(defences)
            ),
            Line2D([], [], **_ring("o"), label="clean, same defence"),
            *(Line2D([], [], **_ring(marker), label=label) for marker, label in _CONTROL_MARKS.values()),
        ]
    )


def _controls(axes: Axes, row: Row, top: int, height: int) -> None:
    """The references of a pool's defences: lines through its `height` rows, marks in its first."""
    for role, colour in (("attacked", _ATTACKED), ("clean", _BLACK)):
        axes.vlines(100 * row[role], top - 0.4, top + height + 0.4, color=colour, linewidth=1.1)
    for role, (marker, _) in _CONTROL_MARKS.items():
        axes.plot(100 * row[role], top, **_ring(marker))


def _supervisors(table: pd.DataFrame, design: Design) -> Figure:
    """How often each supervisor masked an attacker, beside chance, a panel per method."""
    rows = _overall(table)
    rows = rows[rows["masked_attacker"].notna() & (rows["defence"] != "oracle")]
    panels, defences = _by_method(rows, design, (), "How often supervisors mask the attacker, all datasets")
    for method, axes in panels.axes.items():
        for row in rows[rows["method"] == method].to_dict("records"):
            y = panels.places.index((row["pool"], row["defence"]))
            axes.vlines(100 * row["chance"], y - 0.45, y + 0.45, color=_BLACK, linewidth=1.6)
            bounds = [row["masked_attacker"], row["masked_low"], row["masked_high"]]
            _interval(axes, y, bounds, *_series(defences.index(row["defence"])))
        axes.set_xlim(-3, 103)
        axes.set_xlabel("Questions in which an attacker was masked (%)")
    keys = [_key(*_series(i), f"{_short(name)}, {level_label(design)} interval") for i, name in enumerate(defences)]
    return panels.finish([*keys, Line2D([], [], color=_BLACK, linewidth=1.6, label="chance: masking at random")])


def _by_method(rows: pd.DataFrame, design: Design, hidden: Sequence[str], title: str) -> tuple["_Panels", list[str]]:
    """A panel per method with a row for each pool and shown defence, and these defences.

    The pools that a method cannot run are marked at their heads.
    """
    pools, present = set(rows["pool"]), set(rows["defence"]) - set(hidden)
    defences = [defence for defence in design.defences if defence in present]
    places = [(pool, defence) for pool in design.attacked if pool in pools for defence in ("", *defences)]
    methods = list(rows["method"].unique())
    panels = _Panels(methods, places, 2 if len(methods) <= 4 else 4, title)
    for method, axes in panels.axes.items():
        axes.set_title(_short(method))
        for y, (pool, defence) in enumerate(places):
            if not defence and (pool, method) in design.inapplicable:
                _not_applicable(axes, y)
    return panels, defences


class _Panels:
    """Panels side by side that share both axes: `axes` by name, a labelled row for each of `places`.

    A place is (pool, label of a row below it); without a label it heads the rows of the pool.
    """

    def __init__(self, names: Sequence[str], places: Sequence[tuple[str, str]], columns: int, title: str) -> None:
        columns = max(1, min(columns, len(names)))
        lines = max(1, -(-len(names) // columns))
        height = lines * (max(len(places), 4) * _ROW_INCHES + 0.85) + 1.1
        layout = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.08)
        self.figure = Figure(figsize=(1.4 + 3.6 * max(columns, 2), height), layout=layout)
        self.figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        self.places = places
        grid = self.figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        self.axes: dict[str, Axes] = dict(zip(names, grid, strict=False))
        for axes in grid[len(names) :]:
            axes.remove()

    def finish(self, keys: Sequence[Line2D]) -> Figure:
        """The figure, with rows labelled and the legend below the panels."""
        if not self.axes:
            self.figure.text(0.5, 0.5, "This study has nothing to show here.", ha="center", va="center")
            return self.figure
        heads = [not label for _, label in self.places]
        for axes in self.axes.values():
            axes.set_ylim(len(self.places) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            axes.tick_params(axis="x", labelbottom=True)
            axes.grid(axis="x", color="#E6E6E6", linewidth=0.8)
            for y in np.flatnonzero(heads[1:]) + 1:
                axes.axhline(y - 0.5, color="#CCCCCC", linewidth=0.8)
        # Panels share their rows; only those on the left show the labels.
        left = next(iter(self.axes.values()))
        left.set_yticks(range(len(heads)), [_short(label or pool) for pool, label in self.places])
        for axes in self.axes.values():
            for tick, head in zip(axes.get_yticklabels(), heads, strict=False):
                tick.set(fontweight="bold" if head else "normal")
        self.figure.legend(handles=keys, loc="outside lower left", ncols=3, frameon=False)
        return self.figure


def _overall(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["dataset"] == ALL) & (table["domain"] == ALL)]


def _interval(axes: Axes, y: int, shares: Sequence[float], colour: str, marker: str) -> None:
    point, low, high = (100 * share for share in shares)
    axes.hlines(y, low, high, color=colour, linewidth=1.8, zorder=3)
    axes.plot(point, y, marker, color=colour, markersize=6, zorder=4)


def _not_applicable(axes: Axes, y: int) -> None:
    place = axes.get_yaxis_transform()
    axes.text(0.04, y, "not applicable", transform=place, va="center", color=_GREY, style="italic")


def _ring(marker: str) -> dict[str, Any]:
    """An open marker: a control."""
    return {
        "marker": marker,
        "markersize": {"*": 9, "X": 6.5, "D": 5.5}.get(marker, 6),
        "markerfacecolor": "white",
        "markeredgecolor": _BLACK,
        "markeredgewidth": 1.0,
        "linestyle": "none",
        "zorder": 5,
    }


def _key(colour: str, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, linestyle="-", linewidth=1.8, label=label)


def _series(index: int) -> tuple[str, str]:
    """The colour and the marker of a defence."""
    return _SERIES[index % len(_SERIES)]


def _short(name: str) -> str:
    text = plain(name)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
