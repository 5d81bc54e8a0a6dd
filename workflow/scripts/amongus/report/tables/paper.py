"""The headline figures of Among Us (arXiv 2602.05176, abstract) as its text defines them, next to the study's own.

The paper's: malicious members lower the performance in reasoning by 7.12 % and in safety by 7.94 % on average; with
external supervisors 95.31 % of the clean performance is recovered on average. Whether its drops are in points or
relative to the clean score is not settled here, so both are given.

A figure is a mean over cells (attacked pool, method, defence, dataset) with the same weight, so a grid's datasets,
methods and attackers have the same weight too. All cells of a row are on common support: methods that every attacked
pool can run and, for recoveries, that have the external supervisors and the row's defence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from amongus.core.hashing import derive
from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.paper_text import EXTERNAL, study_text
from amongus.report.render import Column, View
from amongus.report.scores import ALL, Cells, Design, Role, read_scores
from amongus.report.statistics import CellMeans

NEEDS = ("scores",)
PAPER_DROPS = {"reasoning": -0.0712, "safety": -0.0794}
"""Domain -> the paper's average change of performance under attack, undefended."""
PAPER_RECOVERY = 0.9531
EMPTY = "(place left empty)"
"""In place of a defence: the pool without its attackers, undefended."""
HEADLINE = [
    *("figure", "domain", "defences", "paper"),
    *("relative", "relative_low", "relative_high", "points", "points_low", "points_high"),
    *("undefended", "clean_defended", "cells", "no_ratio", "questions"),
    *("pools", "methods", "datasets", "note"),
]
_NAN = float("nan")


def headline(scores: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`paper.csv`: columns `HEADLINE`, ours beside the paper's. Shares of 1; a drop is negative.

    figure: `drop` or `recovery`; defences: one, or those averaged over. relative: the mean of attacked / clean - 1, or of
    defended / clean; points: of attacked - clean, or of defended - clean. undefended, clean_defended: attacked / clean
    and the clean pool with the defence / clean on a recovery's cells, NaN where not run. no_ratio: how many of the cells
    have a clean score of 0, and so points only; questions: pairs of question and seed, summed over datasets; pools (with
    one attacker, no placebo), methods, datasets: over which (joined by commas); note: why there is no figure.
    """
    cells, rows = Cells(scores), []
    for domain in [*dict.fromkeys([*PAPER_DROPS, *design.domains.values()]), ALL]:
        keys = {"figure": "drop", "domain": domain, "defences": "none", "paper": PAPER_DROPS.get(domain, _NAN)}
        rows.append({**keys, **_figures(cells, design, domain, ())})
    rows += list(_recoveries(cells, design))
    return pd.DataFrame(rows, columns=HEADLINE)


def _recoveries(cells: Cells, design: Design) -> Iterator[dict[str, Any]]:
    """Rows of recovery: the external supervisors together (the paper's figure), each defence, the empty place."""
    external = [name for name in EXTERNAL if name in design.defences]
    others = [name for name in design.defences if name not in external]
    together = [tuple(external)] if len(external) > 1 else []
    for defences in [*together, *((name,) for name in [*external, *others, EMPTY])]:
        paper = PAPER_RECOVERY if set(defences) == set(EXTERNAL) else _NAN
        keys = {"figure": "recovery", "domain": ALL, "defences": ", ".join(defences), "paper": paper}
        yield {**keys, **_figures(cells, design, ALL, defences, external)}
    if not external:
        keys = {"figure": "recovery", "domain": ALL, "defences": ", ".join(EXTERNAL), "paper": PAPER_RECOVERY}
        yield {**keys, **_nothing("the study has no external supervisor")}


def _figures(
    cells: Cells, design: Design, domain: str, defences: Sequence[str], also: Sequence[str] = ()
) -> dict[str, Any]:
    """The figures of a row; `defences` empty: of a drop. Over the methods that have them, and those of `also`."""
    datasets = [name for name, own in design.domains.items() if domain in (own, ALL)]
    if not datasets:
        return _nothing("the study has no dataset of this domain")
    if not design.headline_pools:
        return _nothing("the study has no pool with one attacker")
    wanted = defences or ("none",)
    methods = [
        method
        for method in design.levels
        if all(_run(cells, design, method, one, datasets) for one in (*wanted, *also))
    ]
    if not methods:
        return _nothing("no method was run so with every attacked pool")
    means = CellMeans(design.bootstrap)
    for dataset in datasets:
        _add(means, cells, design, dataset, list(product(methods, wanted)))
    if not means.cells:
        return _nothing("no question was scored in every pool")
    after, shift = ("score", 0.0) if defences else ("attacked", 1.0)
    ratio, low, high = means.estimate(after, "ratio")
    points, points_low, points_high = means.estimate(after, "gap")
    return {
        "relative": ratio - shift,
        "relative_low": low - shift,
        "relative_high": high - shift,
        "points": points,
        "points_low": points_low,
        "points_high": points_high,
        "undefended": means.estimate("attacked", "ratio")[0] if defences else _NAN,
        "clean_defended": means.estimate("clean_defended", "ratio")[0] if defences else _NAN,
        "cells": means.cells,
        "no_ratio": means.cells - means.ratios,
        "questions": means.pairs,
        "pools": ", ".join(design.headline_pools),
        "methods": ", ".join(methods),
        "datasets": ", ".join(datasets),
        "note": "",
    }


def _nothing(note: str) -> dict[str, Any]:
    none = dict.fromkeys(("cells", "no_ratio", "questions"), 0)
    return {**none, **dict.fromkeys(("pools", "methods", "datasets"), ""), "note": note}


def _run(cells: Cells, design: Design, method: str, defence: str, datasets: Sequence[str]) -> bool:
    """Whether `method` was run with every attacked pool, with `defence` and without, and with the clean pool."""
    roles = [(design.clean, "none"), *((pool, "none") for pool in design.headline_pools)]
    roles += [_role(design, pool, defence) for pool in design.headline_pools]
    return all(cells.has(role, [method], dataset) for role, dataset in product(roles, datasets))


def _role(design: Design, pool: str, defence: str) -> Role:
    return (design.controls.get(pool, ""), "none") if defence == EMPTY else (pool, defence)


def _add(means: CellMeans, cells: Cells, design: Design, dataset: str, names: Sequence[tuple[str, str]]) -> None:
    """Add the cells of one dataset: `names` (method, defence) of every attacked pool."""
    frames = []
    for pool, (method, defence) in product(design.headline_pools, names):
        roles = {
            "clean": (design.clean, "none"),
            "attacked": (pool, "none"),
            "score": _role(design, pool, defence),
            "clean_defended": (design.clean, defence),
        }
        frame = cells.beside(dataset, [method], roles)
        if len(frame.dropna(subset=["clean", "attacked", "score"])):
            frames.append(frame.astype(float))
    if not frames:
        return
    questions = frames[0].index.get_level_values("id").factorize(sort=True)[0]
    scores = {role: np.stack([frame[role] for frame in frames], axis=1) for role in frames[0]}
    missing = {role: np.isnan(values) for role, values in scores.items()}
    # A cell whose clean pool was not run with the defence still has its recovery.
    missing["clean_defended"] &= ~missing["clean_defended"].all(axis=0)
    means.add(scores, ~np.any(list(missing.values()), axis=0), questions, derive("headline", dataset))


def paper_view(table: pd.DataFrame, design: Design) -> View:
    """`headline` for readers."""
    note = (
        "The paper's headline figures, as its text defines them, next to this study's: means over cells (attacked "
        "pool × method × dataset, for recoveries × defence) of the same weight, on methods that all have in "
        "common. Change = attacked ÷ clean − 1, undefended; recovery = defended ÷ clean; both in %, and as "
        "attacked or defended − clean in percentage points, with "
        f"{layout.level_label(design)} bootstrap intervals over questions, drawn once for all cells. (Which of the "
        "two the paper's drops are is not settled here.) Beside a recovery, on the same cells: attacked ÷ clean "
        "without the defence, and the clean pool with the defence ÷ clean."
    )
    columns = [
        layout.name("Domain", "domain"),
        layout.name("Defence", "defences"),
        *layout.percents({"Paper, %": "paper"}, digits=2),
        layout.points("Ours, %", "relative"),
        layout.points("Ours, pp", "points"),
        *layout.percents({"Undefended, %": "undefended", "Clean defended, %": "clean_defended"}),
        layout.count("Cells", "cells"),
        Column("Over", _over, True),
    ]
    drops = table["figure"] == "drop"
    sections = {"Change of performance under attack": table[drops], "Recovery": table[~drops]}
    return View("The paper's headline figures", note, columns, sections, table)


def _over(row: Mapping[str, Any]) -> str:
    if row["note"]:
        return row["note"]
    missing = f" ({row['no_ratio']} without a ratio: the clean pool scored 0)" if row["no_ratio"] else ""
    return f"{row['methods']}; pools: {row['pools']}; datasets: {row['datasets']}{missing}"


def build(files: Named, params: Named, design: Design) -> View:
    """`params.teams` labels the files of `scores`."""
    scores = read_scores(files.scores, params.teams)
    table = headline(scores, design)
    return replace(paper_view(table, design), after=study_text(params.design, table, scores))
