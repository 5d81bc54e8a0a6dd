"""What each defence wins back, beside its controls."""

from functools import partial
from math import isnan
from typing import Any

import pandas as pd

from amongus.core.hashing import derive
from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.render import View
from amongus.report.scores import (
    Cells,
    Design,
    Group,
    Role,
    Span,
    adjusted,
    attacked_rows,
    groups,
    means,
    read_scores,
    support,
)
from amongus.report.statistics import interval, p_value
from amongus.report.tables.supervisors import read_masks, supervisors

NEEDS = ("scores", "runs")
_NAN = float("nan")
MITIGATION = [
    *("level", "method", "attacker", "pool", "defence", "dataset", "domain", "n", "seeds"),
    *("clean", "clean_defended", "attacked", "empty", "random", "oracle", "score", "score_low", "score_high"),
    *("recovery", "recovery_low", "recovery_high", "undefended"),
    *("net", "net_low", "net_high", "p_value", "masked_attacker", "masked_other", "unparsable"),
    *("applicable", "overlap"),
]
_MASKS = ["masked_attacker", "masked_other", "unparsable"]


def mitigation(scores: pd.DataFrame, caught: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`mitigation.csv`, with columns `MITIGATION`; the note for readers says what they are. Also:

    A row is on the n pairs scored in the four cells of the contrast (clean and attacked, without and with the defence);
    the controls empty, random and oracle are on their own scored pairs, and NaN where not scored. score and recovery
    have intervals too, that of the ratio linearised. p_value is of the plain gain, in the families of `scores.adjusted`.
    masked_attacker, masked_other, unparsable: from `caught`, as from `supervisors.supervisors`; empty for averages of
    methods. applicable: False where the method cannot be run. overlap: as `Design.overlaps`.
    """
    cells = Cells(scores)
    rows = []
    having = {defence: cells.methods(defence) for defence in design.defences}
    for defence in having:
        for row in attacked_rows(cells, design, defence, partial(_figures, cells, design, defence), having):
            overlap = design.overlaps.get((row["pool"], defence), "")
            rows.append({**row, "defence": defence, "overlap": overlap})
    places = [(group.level, group.method) for group in groups(design, set(design.levels))]
    rows.sort(key=lambda row: (places.index((row["level"], row["method"])), design.attacked.index(row["pool"])))
    table = pd.DataFrame(rows, columns=[name for name in MITIGATION if name not in _MASKS])
    keys = ["method", "pool", "defence", "dataset", "domain"]
    table = table.merge(caught[[*keys, *_MASKS]], how="left", on=keys, validate="m:1")
    return adjusted(table.astype({"unparsable": "Int64"})[MITIGATION])


def _figures(cells: Cells, design: Design, defence: str, group: Group, pool: str, span: Span) -> dict[str, Any]:
    roles: dict[str, Role] = {
        "clean": (design.clean, "none"),
        "clean_defended": (design.clean, defence),
        "attacked": (pool, "none"),
        "empty": (design.controls.get(pool, ""), "none"),
        "random": (pool, "random"),
        "oracle": (pool, "oracle"),
        "score": (pool, defence),
    }
    known = all(cells.has(roles["clean_defended"], group.methods, dataset) for dataset in span.datasets)
    needed = ["clean", "attacked", "score", *(["clean_defended"] if known else [])]
    rows = support(cells, group, span, roles, needed)
    seed = derive("mitigation", group.level, group.method, pool, defence, span.domain, span.dataset)
    bounds = partial(interval, pairs=rows, bootstrap=design.bootstrap, seed=seed)
    scores = means(rows, roles)
    net = (rows["score"] - rows["attacked"]) - (rows["clean_defended"] - rows["clean"])
    # A difference of two differences of scores in [0, 1] spans [-2, 2].
    low, high = bounds(net, span=2.0) if known else (_NAN, _NAN)
    score_low, score_high = bounds(rows["score"])
    recovery = _ratio(scores["score"], scores["clean"])
    gaps = rows["score"] - recovery * rows["clean"]
    gap = (_NAN, _NAN) if isnan(recovery) else bounds(gaps)
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
        "p_value": p_value(rows["score"], rows["attacked"], rows, seed=seed),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else _NAN


def mitigation_view(table: pd.DataFrame, design: Design) -> View:
    """`mitigation` for readers."""
    note = (
        "Mean scores in %: of the clean and the attacked pool without and with the defence, and of the attacked "
        "pool's controls (place left empty, a random member masked, the attacker masked). Recovery = defended ÷ "
        "clean, undefended = attacked ÷ clean; net = (defended − attacked) − (clean defended − clean) in percentage "
        f"points; recovery and net with {layout.level_label(design)} bootstrap intervals; p: defended = attacked, "
        "Holm-adjusted. Caught: questions with an attacker among the candidates in which one was masked."
        f"{layout.overlaps_note(table)}"
    )
    columns = [
        *layout.where_columns("Pool", "Defence"),
        layout.count("n"),
        *layout.percents({"Clean": "clean", "Clean defended": "clean_defended", "Attacked": "attacked"}),
        *layout.percents({"Empty": "empty", "Random": "random", "Oracle": "oracle", "Defended": "score"}),
        layout.points("Recovery", "recovery"),
        *layout.percents({"Undefended": "undefended"}),
        layout.points("Net, pp", "net", unfit="not applicable"),
        layout.P_VALUE,
        *layout.percents({"Caught": "masked_attacker"}),
    ]
    return View("What each defence wins back", note, columns, layout.by_dataset(table), table)


def build(files: Named, params: Named, design: Design) -> View:
    """`params.teams` labels the files of `scores` and `runs`."""
    caught = supervisors(read_masks(files.runs, params.teams), None, design)
    return mitigation_view(mitigation(read_scores(files.scores, params.teams), caught, design), design)
