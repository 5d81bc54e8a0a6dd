"""The primary figures under each training seed."""

import pandas as pd

from amongus.core.snakemake_job import Named
from amongus.report import layout
from amongus.report.render import View
from amongus.report.scores import Design, means, read_scores
from amongus.report.tables.malice import CONTRASTS, paired

NEEDS = ("scores",)
BY_SEED = ["level", "method", "attacker", "pool", "seed", "n", "clean", "empty", "score", *CONTRASTS]


def by_seed(scores: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`malice_by_seed.csv`: the scores and differences of `malice` under each training seed. Columns `BY_SEED`."""
    rows = []
    for named, pairs in paired(scores, design):
        for seed, own in pairs.groupby("seed"):
            figures = means(own, ["clean", "empty", "score"])
            differences = {name: figures[first] - figures[second] for name, (first, second) in CONTRASTS.items()}
            rows.append({**named, "seed": seed, "n": len(own), **figures, **differences})
    return pd.DataFrame(rows, columns=BY_SEED)


def build(files: Named, params: Named, design: Design) -> View:
    """`params.teams` labels the files of `scores`."""
    table = by_seed(read_scores(files.scores, params.teams), design)
    note = "As `malice`, of the models of each training seed: mean scores in %, differences in percentage points."
    columns = [
        layout.METHOD,
        layout.name("Pool", "pool"),
        layout.count("Seed", "seed"),
        layout.count("n"),
        *layout.percents({"Clean": "clean", "Empty": "empty", "Attacked": "score"}),
        *layout.percents({f"{name.capitalize()}, pp": name for name in CONTRASTS}),
    ]
    return View("Malice by training seed", note, columns, {"Over datasets": table}, table)
