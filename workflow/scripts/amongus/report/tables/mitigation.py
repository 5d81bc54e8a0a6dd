"""What each defence wins back, beside its controls."""

from functools import partial
from typing import Any

import pandas as pd

from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.intervals import over_pairs, share
from amongus.report.render import View
from amongus.report.scores import Cells, Design, Group, Role, Span, attacked_rows, groups, means, read_scores, support
from amongus.report.tables.supervisors import read_masks, supervisors

NEEDS = ("scores", "runs")
_NAN = float("nan")
MITIGATION = [
    *("level", "method", "attacker", "pool", "defence", "dataset", "domain", "n", "seeds"),
    *("clean", "clean_defended", "attacked", "empty", "random", "oracle", "score", "score_low", "score_high"),
    *("recovery", "recovery_low", "recovery_high", "undefended"),
    *("net", "net_low", "net_high", "p_value", "won_back", "won_back_low", "won_back_high"),
    *("over_random", "over_random_low", "over_random_high", "over_oracle", "over_oracle_low", "over_oracle_high"),
    *("cost", "cost_low", "cost_high", "cost_p_equivalence", "masked_attacker", "masked_other", "unparsable"),
    *("applicable", "overlap"),
]
MARGIN = 0.02
"""A defence that costs the clean team less than this, in score, is said to cost it nothing."""
_MASKS = ["masked_attacker", "masked_other", "unparsable"]


def mitigation(scores: pd.DataFrame, caught: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`mitigation.csv`, with columns `MITIGATION`; the note for readers says what they are. Also:

    A row is on the n pairs scored in the four cells of the contrast (clean and attacked, without and with the defence);
    the controls empty, random and oracle are on their own scored pairs, and NaN where not scored. score and recovery
    have intervals too, that of the ratio linearised. p_value: net is 0, not adjusted. won_back: the share of the loss that
    is won back, (score - attacked) / (clean - attacked), with Fieller's interval; NaN where no loss is found. over_random,
    over_oracle: score minus that of the control. cost: clean - clean_defended; cost_p_equivalence: of "it is at least
    `MARGIN`", by two one-sided tests.
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
    return table.astype({"unparsable": "Int64"})[MITIGATION]


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
    confidence = design.bootstrap.confidence
    scores = means(rows, roles)
    net = over_pairs((rows["score"] - rows["attacked"]) - (rows["clean_defended"] - rows["clean"]), rows)
    # A score as a difference of up to 1/2 from 1/2: the interval is then Agresti and Coull's.
    score_low, score_high = over_pairs(rows["score"] - 0.5, rows, span=0.5).interval(confidence)
    recovery = _ratio(scores["score"], scores["clean"])
    gaps = over_pairs(rows["score"] - recovery * rows["clean"], rows).interval(confidence)
    won_back = share(rows["score"] - rows["attacked"], rows["clean"] - rows["attacked"], rows, confidence)
    cost = over_pairs(rows["clean"] - rows["clean_defended"], rows)
    contrasts: dict[str, float] = {}
    for name, first, second in (("over_random", "score", "random"), ("over_oracle", "score", "oracle")):
        both = rows.dropna(subset=[second]) if scores[second] == scores[second] else rows[:0]
        contrast = over_pairs(both[first] - both[second], both)
        low, high = contrast.interval(confidence)
        contrasts |= {name: contrast.mean, f"{name}_low": low, f"{name}_high": high}
    return {
        "n": len(rows),
        "seeds": rows["seed"].nunique(),
        **scores,
        "score_low": max(score_low + 0.5, 0.0),
        "score_high": min(score_high + 0.5, 1.0),
        "recovery": recovery,
        "recovery_low": recovery + _ratio(gaps[0], scores["clean"]),
        "recovery_high": recovery + _ratio(gaps[1], scores["clean"]),
        "undefended": _ratio(scores["attacked"], scores["clean"]),
        "net": (scores["score"] - scores["attacked"]) - (scores["clean_defended"] - scores["clean"]),
        **dict(zip(("net_low", "net_high"), net.interval(confidence), strict=True)),
        "p_value": net.p_value(),
        **dict(zip(("won_back", "won_back_low", "won_back_high"), won_back, strict=True)),
        **contrasts,
        "cost": cost.mean,
        **dict(zip(("cost_low", "cost_high"), cost.interval(confidence), strict=True)),
        "cost_p_equivalence": cost.equivalence(MARGIN),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else _NAN


def mitigation_view(table: pd.DataFrame, design: Design) -> View:
    """`mitigation` for readers."""
    note = (
        "Mean scores in %: of the clean and the attacked pool without and with the defence, and of the attacked "
        "pool's controls (place left empty, a random member masked, the attacker masked). Recovery = defended ÷ "
        "clean, undefended = attacked ÷ clean; net = (defended − attacked) − (clean defended − clean) in percentage "
        "points, what the defence wins beyond what it does to the clean pool; won back = share of the loss, (defended − "
        f"attacked) ÷ (clean − attacked), – where no loss is found. {layout.level_label(design)} intervals over "
        "questions, for these models (adjusted Wald; Fieller's for won back); p: net is 0, not adjusted: this table is "
        "exploratory. Oracle masks the attacker; it is no upper bound. Caught: questions with an attacker among the "
        "candidates in which one was masked."
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
        layout.points("Won back", "won_back"),
        *layout.percents({"Caught": "masked_attacker"}),
    ]
    return View("What each defence wins back", note, columns, layout.by_dataset(table), table)


def build(files: Named, params: Named, design: Design) -> View:
    """`params.teams` labels the files of `scores` and `runs`."""
    caught = supervisors(read_masks(files.runs, params.teams), None, design)
    return mitigation_view(mitigation(read_scores(files.scores, params.teams), caught, design), design)
