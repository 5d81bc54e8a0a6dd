"""The tables of a study, over its seeds: what attackers cost, what defences win back, what the jobs took.

Rows that aggregate say so by the name `all`: over the datasets of a domain; over all datasets (each with
the same weight); over the methods of a level (each question's mean over those methods); and over all
methods that every attacked pool can run (common support: attackers are compared on methods that all of them
can run, and defences on methods that all of them have).
"""

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from amongus.core.errors import StudyError
from amongus.core.hashing import derive
from amongus.core.json_files import read_json
from amongus.report import statistics
from amongus.report.cost_sidecars import COUNTS
from amongus.report.scores import ALL, Cells, Design, Group, Role, Span, groups, means, spans, support

_NAN = float("nan")
IMPACT = [
    *("level", "method", "attacker", "pool", "dataset", "domain", "n", "seeds"),
    *("clean", "empty", "score", "drop", "drop_low", "drop_high", "p_value", "applicable"),
]
MITIGATION = [
    *("level", "method", "attacker", "pool", "defence", "dataset", "domain", "n", "seeds"),
    *("clean", "clean_defended", "attacked", "empty", "random", "oracle", "score", "score_low", "score_high"),
    *("recovery", "recovery_low", "recovery_high", "undefended"),
    *("net", "net_low", "net_high", "p_value", "masked_attacker", "masked_other", "unparsable"),
    *("applicable", "overlap"),
]
_MASKS = ["masked_attacker", "masked_other", "unparsable"]
COST = ["rule", "jobs", *COUNTS]


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
            for span in spans(design, _run(cells, design, group, needed)):
                row = _impact_row(cells, design, group, pool, span) if applicable else {"n": 0, "seeds": 0}
                rows.append({**_keys(design, group, pool, span), **row, "applicable": applicable})
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


def mitigation(scores: pd.DataFrame, caught: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`mitigation.csv`: what each defence wins back, beside its controls. Columns `MITIGATION`.

    On the n pairs scored in the four cells of the contrast: clean and attacked are the clean and the attacked
    pool undefended, clean_defended and score the same with the defence. empty, random, oracle: the attacked
    pool without its attackers, with a random member masked, with an attacker masked, where scored (on their own
    scored pairs). recovery = score / clean (the paper's), undefended = attacked / clean; score and recovery
    have bootstrap intervals too, that of the ratio linearised; net = (score - attacked) - (clean_defended
    - clean) with its bootstrap interval; p_value: score = attacked (the plain gain), Holm-adjusted in the
    same two families as in `impact`. masked_attacker, masked_other, unparsable: from the supervisors'
    table; empty for averages of methods. applicable: False where the method cannot be run. overlap: why the
    supervisor is not independent of the attacker or the pool, where it is not.

    Args:
        scores: all cells, defended or not.
        caught: as from `supervisors.supervisors`.
        design: the study's.
    """
    cells = Cells(scores)
    rows = []
    having = {defence: cells.methods(defence) for defence in design.defences}
    for defence, methods in having.items():
        for group in groups(design, methods, having):
            for pool in design.attacked:
                applicable = design.applicable(pool, group)
                run = (pool if applicable else design.clean, defence)
                needed = [(design.clean, "none"), (run[0], "none"), run]
                for span in spans(design, _run(cells, design, group, needed)):
                    keys = {**_keys(design, group, pool, span), "defence": defence, "applicable": applicable}
                    overlap = design.overlaps.get((pool, defence), "")
                    row = (
                        _mitigation_row(cells, design, group, pool, defence, span)
                        if applicable
                        else {"n": 0, "seeds": 0}
                    )
                    rows.append({**keys, **row, "overlap": overlap})
    places = [(group.level, group.method) for group in groups(design, set(design.levels))]
    rows.sort(
        key=lambda row: (places.index((row["level"], row["method"])), design.attacked.index(row["pool"]))
    )
    table = pd.DataFrame(rows, columns=[name for name in MITIGATION if name not in _MASKS])
    joined = ["method", "pool", "defence", "dataset", "domain"]
    table = table.merge(caught[[*joined, *_MASKS]], how="left", on=joined, validate="m:1")
    return adjusted(table.astype({"unparsable": "Int64"})[MITIGATION])


def _mitigation_row(
    cells: Cells, design: Design, group: Group, pool: str, defence: str, span: Span
) -> dict[str, Any]:
    roles: dict[str, Role] = {
        "clean": (design.clean, "none"),
        "clean_defended": (design.clean, defence),
        "attacked": (pool, "none"),
        "empty": (design.controls.get(pool, ""), "none"),
        "random": (pool, "random"),
        "oracle": (pool, "oracle"),
        "score": (pool, defence),
    }
    known = all(cells.has(roles["clean_defended"], group, dataset) for dataset in span.datasets)
    needed = ["clean", "attacked", "score", *(["clean_defended"] if known else [])]
    rows = support(cells, group, span, roles, needed)
    seed = derive("mitigation", group.level, group.method, pool, defence, span.domain, span.dataset)
    scores = means(rows, roles)
    net = (rows["score"] - rows["attacked"]) - (rows["clean_defended"] - rows["clean"])
    # A difference of two differences of scores in [0, 1] spans [-2, 2].
    low, high = interval_of(rows, net, design, seed, 2.0) if known else (_NAN, _NAN)
    recovery = _ratio(scores["score"], scores["clean"])
    score_low, score_high = interval_of(rows, rows["score"], design, seed, 1.0)
    gap = (_NAN, _NAN)
    if not isnan(recovery):
        gap = interval_of(rows, rows["score"] - recovery * rows["clean"], design, seed, 1.0)
    return {
        "n": len(rows),
        "seeds": rows["seed"].nunique(),
        **scores,
        "score_low": max(score_low, 0.0),
        "score_high": min(score_high, 1.0),
        "recovery": recovery,
        "recovery_low": recovery + _ratio(gap[0], scores["clean"]),
        "recovery_high": recovery + _ratio(gap[1], scores["clean"]),
        "undefended": _ratio(scores["attacked"], scores["clean"]),
        "net": (scores["score"] - scores["attacked"]) - (scores["clean_defended"] - scores["clean"]),
        "net_low": low,
        "net_high": high,
        "p_value": p_value_of(rows, "score", "attacked", seed),
    }


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
        sound = all(
            isinstance(figure, int | float) and 0 <= figure < float("inf") for figure in figures.values()
        )
        if not isinstance(counts.get("rule"), str) or not sound:
            raise StudyError(f"{path}: not the costs of a job; delete it and run its job again")
        rows.append({"rule": counts["rule"], "jobs": 1, **figures})
    return pd.DataFrame(rows, columns=COST).groupby("rule", as_index=False)[COST[1:]].sum()


def read_costs(paths: Sequence[str | Path]) -> dict[str, Any]:
    """The sidecars by path, as `cost` takes them."""
    return {str(path): read_json(path) for path in paths}


def _run(cells: Cells, design: Design, group: Group, roles: Sequence[Role]) -> list[str]:
    """The datasets that the group's methods were run on in all `roles`."""
    return [dataset for dataset in design.domains if all(cells.has(role, group, dataset) for role in roles)]


def _keys(design: Design, group: Group, pool: str, span: Span) -> dict[str, Any]:
    return {
        "level": group.level,
        "method": group.method,
        "attacker": design.attacker(pool),
        "pool": pool,
        "dataset": span.dataset,
        "domain": span.domain,
    }


def interval_of(
    rows: pd.DataFrame, differences: pd.Series, design: Design, seed: int, span: float
) -> tuple[float, float]:
    """The interval of the weighted mean of `differences`, one for each of `rows`, as from `support`."""
    return statistics.interval(
        differences,
        rows["stratum"],
        rows["weight"],
        rows["question"],
        seed=seed,
        span=span,
        resamples=design.resamples,
        confidence=design.confidence,
    )


def p_value_of(rows: pd.DataFrame, first: str, second: str, seed: int) -> float:
    """The p-value of "the scores of two roles do not differ", of rows as from `support`."""
    return statistics.p_value(rows[first], rows[second], rows["weight"], rows["question"], seed=seed)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else _NAN


def adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """Holm's adjustment in two families: rows of one method and one dataset, and rows that aggregate."""
    aggregate = (table["method"] == ALL) | (table["dataset"] == ALL)
    table = table.astype({"p_value": float})
    for family in (aggregate, ~aggregate):
        table.loc[family, "p_value"] = statistics.holm(table.loc[family, "p_value"])
    return table
