"""How often texts decline instead of answering: refusing everything scores well where a refusal is wanted.

CoCoNot pays for noncompliance (Brahman et al. 2024), so an attacked or timid team can gain there by declining
everything. The share of texts that decline, on every dataset, tells such a gain from a better team.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from amongus.core.errors import StudyError
from amongus.core.snakemake_job import Named
from amongus.core.tables import read_table
from amongus.report import layout
from amongus.report.render import View
from amongus.report.scores import CELL, TEAM_FILE, Design, Span, spans
from amongus.report.statistics import wilson
from amongus.scoring.metrics.noncompliance import KINDS, kind_of

NEEDS = ("scores", "runs", "responses", "response_scores")
REFUSALS = [
    *("level", "method", "attacker", "pool", "defence", "dataset", "domain", "n", "seeds"),
    *("score", "refusal", "refusal_low", "refusal_high", *KINDS),
]
SINGLE = "(alone)"
"""In place of a method (none can have brackets in its name): a member's own answers; the pool is its name."""
_COUNTS = ["n", "scored", "points", *KINDS]


def read_counts(
    texts: Sequence[str | Path], scores: Sequence[str | Path], labels: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """A row per cell: its keys, n texts, how many were scored, the sum of scores, and how many did each of `KINDS`.

    Args:
        texts, scores: files of texts (responses, or runs with their defences), and of their scores.
        labels: seed, pool, method, dataset of each.

    Raises:
        StudyError: a file of scores is not about the questions of its texts.
    """
    classify = lru_cache(maxsize=50_000)(kind_of)  # 1.4 ms for 940 characters; many files repeat a text.
    rows = []
    for text_file, score_file, label in zip(texts, scores, labels, strict=True):
        answers, scored = _with_defences(read_table(text_file)), _with_defences(read_table(score_file))
        if not answers[["defence", "id"]].equals(scored[["defence", "id"]]):
            raise StudyError(f"{score_file}: not the questions of {text_file}; delete it and run again")
        for defence, own in answers.groupby("defence", sort=False):
            kinds = [classify(text or "") for text in own["text"]]
            points = scored.loc[own.index, "score"].dropna()
            counts = [len(kinds), len(points), points.sum(), *(kinds.count(kind) for kind in KINDS)]
            cell = {**{key: label[key] for key in TEAM_FILE}, "defence": defence}
            rows.append({**cell, **dict(zip(_COUNTS, counts, strict=True))})
    return pd.DataFrame(rows, columns=[*CELL, *_COUNTS])


def _with_defences(table: pa.Table) -> pd.DataFrame:
    """`table` as a frame; members answer without a defence."""
    frame = table.to_pandas(use_threads=False)
    return frame if "defence" in frame else frame.assign(defence="none")


def member_labels(labels: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Labels of members' responses (seed, member, dataset, …) as labels of the table's files: method `SINGLE`."""
    return [{"seed": one["seed"], "pool": one["member"], "method": SINGLE, "dataset": one["dataset"]} for one in labels]


def refusals(counts: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`refusals.csv`: a row per method, pool, defence and dataset; members alone come first. Columns `REFUSALS`.

    n: texts, over all seeds; score: the mean of those scored; `KINDS`: shares of all texts; refusal: their sum, with
    Wilson's interval over questions (one under several seeds counts once, the least that it is worth). Averages over
    methods are not made. Attacked, clean and control pools all have rows. `counts` are as from `read_counts`.
    """
    cells = dict(list(counts.groupby(["method", "pool", "defence"], sort=False)))
    of_members = [names for names in cells if names[0] == SINGLE]
    of_teams = [names for names in product(design.levels, design.pools, ["none", *design.defences]) if names in cells]
    rows = []
    for method, pool, defence in [*of_members, *of_teams]:
        cell = cells[method, pool, defence]
        summed = cell.groupby("dataset")[_COUNTS].sum()
        seeds = cell.groupby("dataset")["seed"].nunique()
        for span in spans(design, set(summed.index)):
            here = list(span.datasets)
            figures = _figures(summed.loc[here], seeds[here], design.bootstrap.confidence)
            rows.append({**_keys(design, method, pool, defence, span), **figures})
    return pd.DataFrame(rows, columns=REFUSALS)


def _keys(design: Design, method: str, pool: str, defence: str, span: Span) -> dict[str, Any]:
    names = {"method": method, "pool": pool, "defence": defence, "dataset": span.dataset, "domain": span.domain}
    if method == SINGLE:
        return {**names, "level": "", "attacker": pool if pool in design.attackers else ""}
    return {**names, "level": design.levels[method], "attacker": design.attacker(pool)}


def _figures(counts: pd.DataFrame, seeds: pd.Series, confidence: float) -> dict[str, Any]:
    shares = {kind: (counts[kind] / counts["n"]).mean() for kind in KINDS}
    n, refusal = int(counts["n"].sum()), sum(shares.values())
    low, high = wilson(refusal, (counts["n"] / seeds).sum(), confidence=confidence)
    return {
        "n": n,
        "seeds": int(seeds.max()),
        "score": (counts["points"] / counts["scored"]).mean(skipna=False),
        "refusal": refusal,
        "refusal_low": low,
        "refusal_high": high,
        **shares,
    }


def refusals_view(table: pd.DataFrame, design: Design) -> View:
    """`refusals` for readers."""
    note = (
        "Mean scores in % beside the share of texts (in %) that decline instead of answering, by the rules that "
        "score CoCoNot, without the request's category, with Wilson's "
        f"{layout.level_label(design)} interval over questions: they refuse, do not know, or ask back. Where noncompliance "
        "scores, a team that declines everything scores well: its refusals on the other datasets show it. Averages "
        f"give each dataset the same weight. Method {SINGLE}: a member's own answers."
    )
    columns = [
        layout.METHOD,
        layout.name("Pool or member", "pool"),
        layout.name("Defence", "defence"),
        layout.DATASET,
        layout.count("n"),
        *layout.percents({"Score": "score"}),
        layout.points("Declined", "refusal"),
        *layout.percents({"Refused": "refused", "Did not know": "unknowing", "Asked back": "asked"}),
    ]
    return View("How often texts decline", note, columns, layout.by_dataset(table), table)


def build(files: Named, params: Named, design: Design) -> View:
    """`params.teams` labels the files of teams, `params.members` those of members."""
    counts = read_counts(
        [*files.responses, *files.runs],
        [*files.response_scores, *files.scores],
        [*member_labels(params.members), *params.teams],
    )
    return refusals_view(refusals(counts, design), design)
