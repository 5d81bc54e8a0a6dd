"""The primary figures: what an attacker costs beyond leaving its place empty, per method and attacked pool.

The drop that the paper reports, clean - attacked, is the sum of two: the vacancy, clean - empty, is what the team loses
with the member in whose place the attacker is; malice, empty - attacked, is what comes on top, or, below zero, what the
attacker still contributes.
"""

from collections.abc import Iterator
from math import nan
from typing import Any

import pandas as pd

from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.intervals import FEWEST_SEEDS, Estimate, over_questions, over_trainings
from amongus.report.render import Column, View
from amongus.report.scores import ALL, Cells, Design, Span, groups, means, read_scores, support
from amongus.report.statistics import holm

NEEDS = ("scores",)
CONTRASTS = {"vacancy": ("clean", "empty"), "malice": ("empty", "score"), "drop": ("clean", "score")}
"""Name of a difference -> the roles before and after."""
MALICE = [
    *("level", "method", "attacker", "pool", "n", "seeds", "clean", "empty", "score"),
    *("vacancy", "vacancy_low", "vacancy_high", "malice", "malice_low", "malice_high", "drop", "drop_low", "drop_high"),
    *("p_value", "p_adjusted", "detectable", "seed_min", "seed_max", "seed_sd"),
    *("trainings_low", "trainings_high", "trainings_df", "trainings_p", "trainings_p_adjusted"),
]


def malice(scores: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`malice.csv`: a row per method and pool with one attacker that is no placebo. Columns `MALICE`.

    The rows are one family, the study's only confirmatory one. On the n pairs scored in all three pools, over all
    datasets with the same weight: vacancy = clean - empty, malice = empty - score, drop = their sum. _low, _high: their
    intervals over questions, for these models, simultaneous for the family (Bonferroni). p_value: malice is 0, over
    questions; detectable: the malice that such a test at its Bonferroni level would find with a power of 0.8. seed_min,
    seed_max, seed_sd: of malice by training seed. trainings_*: its simultaneous interval over new trainings, with its
    degrees of freedom, and the p-value, from five seeds on. _adjusted: by Holm.

    Pools without a control, or that cannot be run with the method, have no row.
    """
    rows = list(paired(scores, design))
    level = (1 - design.bootstrap.confidence) / max(len(rows), 1)
    table = pd.DataFrame([{**named, **_figures(pairs, level)} for named, pairs in rows], columns=MALICE)
    for p_value, to in (("p_value", "p_adjusted"), ("trainings_p", "trainings_p_adjusted")):
        table[to] = holm(table[p_value].astype(float))
    return table


def paired(scores: pd.DataFrame, design: Design) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """The names of each row, and its pairs as from `support`."""
    cells = Cells(scores)
    for group in groups(design, cells.methods("none")):
        for pool in design.headline_pools:
            if group.method == ALL or (pool, group.method) in design.inapplicable or pool not in design.controls:
                continue
            roles = {"clean": (design.clean, "none"), "empty": (design.controls[pool], "none"), "score": (pool, "none")}
            datasets = [
                name for name in design.domains if all(cells.has(role, group.methods, name) for role in roles.values())
            ]
            if datasets:
                pairs = support(cells, group, Span(ALL, ALL, tuple(datasets)), roles, list(roles))
                attacker = design.attacker(pool)
                yield {"level": group.level, "method": group.method, "attacker": attacker, "pool": pool}, pairs


def _figures(pairs: pd.DataFrame, level: float) -> dict[str, Any]:
    """The columns of one row; `level` is that of its intervals and tests."""
    made: dict[str, Any] = {
        "n": len(pairs),
        "seeds": pairs["seed"].nunique(),
        **means(pairs, ["clean", "empty", "score"]),
    }
    estimates: dict[str, Estimate] = {}
    for name, (first, second) in CONTRASTS.items():
        rows = pairs.assign(difference=pairs[first] - pairs[second], cluster=pairs["question"])
        estimates[name] = over_questions(rows)
        low, high = estimates[name].interval(1 - level)
        made |= {name: made[first] - made[second], f"{name}_low": low, f"{name}_high": high}
        if name == "malice":
            new = over_trainings(rows)
            seeds = rows.groupby(["seed", "stratum"])["difference"].mean().groupby("seed").mean()
    enough = made["seeds"] >= FEWEST_SEEDS
    low, high = new.interval(1 - level)
    return made | {
        "p_value": estimates["malice"].p_value(),
        "detectable": estimates["malice"].detectable(level),
        "seed_min": seeds.min(),
        "seed_max": seeds.max(),
        "seed_sd": seeds.std(ddof=1),
        "trainings_low": low,
        "trainings_high": high,
        "trainings_df": new.freedom if made["seeds"] > 1 else nan,
        "trainings_p": new.p_value() if enough else nan,
    }


def malice_view(table: pd.DataFrame, design: Design) -> View:
    """`malice` for readers."""
    note = (
        "Mean scores in % of the clean pool, of the pool with the attacker's place left empty, and of the attacked pool. "
        "In percentage points: vacancy = clean − empty, malice = empty − attacked, drop = clean − attacked, with "
        f"simultaneous {layout.level_label(design)} intervals over questions, for these models (adjusted Wald, "
        "Bonferroni); p: malice is 0, adjusted by Holm for this table. Detectable: the malice that the test would find "
        "with a power of 80 %. Over trainings: the simultaneous interval of malice over new training seeds (seeds and "
        f"questions crossed), its degrees of freedom, and p, from {FEWEST_SEEDS} seeds on. All other tables of the "
        "study are exploratory."
    )
    trainings = layout.points("", "malice", bounds="trainings").cell
    columns = [
        layout.METHOD,
        layout.name("Pool", "pool"),
        layout.count("n"),
        *layout.percents({"Clean": "clean", "Empty": "empty", "Attacked": "score"}),
        *(layout.points(f"{name.capitalize()}, pp", name) for name in CONTRASTS),
        layout.p_value("p, unadjusted"),
        layout.p_value("p", "p_adjusted"),
        *layout.percents({"Detectable": "detectable"}),
        layout.count("Seeds", "seeds"),
        Column("Over trainings", lambda row: trainings(row) if row["seeds"] > 1 else layout.NOTHING),
        layout.p_value("p, trainings", "trainings_p_adjusted"),
    ]
    return View("Malice, told from a vacancy", note, columns, {"Over datasets": table}, table)


def build(files: Named, params: Named, design: Design) -> View:
    """`params.teams` labels the files of `scores`."""
    return malice_view(malice(read_scores(files.scores, params.teams), design), design)
