"""The headline figures of Among Us (arXiv 2602.05176, abstract) by their definition, next to the study's own.

The paper's: malicious members lower the performance in reasoning by 7.12 % and in safety by 7.94 % on average; with
external supervisors 95.31 % of the clean performance is recovered on average. Whether its drops are in points or
relative to the clean score is not settled here, so both are given.

A figure is a mean over cells (attacked pool, method, defence, dataset) with the same weight, so a grid's datasets,
methods and attackers have the same weight too. All cells of a row are on common support: methods that every
attacked pool can run and, for recoveries, that have the external supervisors and the row's defence. Intervals
resample questions within their dataset, once for all its cells and seeds together, because these share their
questions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from amongus.core.hashing import derive
from amongus.report.render import markdown_text
from amongus.report.scores import ALL, Cells, Design, Group, Role

PAPER_DROPS = {"reasoning": -0.0712, "safety": -0.0794}
"""Domain -> the paper's average change of performance under attack, undefended."""
PAPER_RECOVERY = 0.9531
EXTERNAL = ("reward", "judge")
"""The defences by a model outside the team."""
EMPTY = "(place left empty)"
"""In place of a defence: the pool without its attackers, undefended."""
HEADLINE = [
    *("figure", "domain", "defences", "paper"),
    *("relative", "relative_low", "relative_high", "points", "points_low", "points_high"),
    *("undefended", "clean_defended", "cells", "no_ratio", "questions"),
    *("pools", "methods", "datasets", "note"),
]
PAPER_DATASETS = {
    "reasoning": {"gsm8k": 1000, "nlgraph": 1000},
    "knowledge": {"mmlu_redux": 1000, "truthfulqa": 617},
    "code": {"humaneval": 140, "ds1000": 800},
    "instruction": {"ifeval": 500, "ifbench": 250},
    "safety": {"coconot": 1000, "safetybench": 1000},
}
"""Domain -> dataset -> the paper's test questions (published data files)."""
PAPER_METHODS = (
    *("llm_router", "graph_router", "debate", "feedback"),
    *("fusion", "contrastive", "soup", "dare_ties"),
)
PAPER_ATTACKERS = ("prompt", "steering", "sft", "grpo")
PAPER_VERIFIED = "ds1000, by TIGER-Lab/general-verifier"
PAPER_TEAM = "6: five LoRA experts on Qwen2.5-7B-Instruct, and that model, whose place the attacker takes"
_NAN = float("nan")
_CHUNK = 250
"""Resamples drawn at once: bounds the memory."""


@dataclass
class _Bag:
    """Sums over the cells of a row: what its means are made of, once as scored and once per resample."""

    seen: dict[str, float] = field(default_factory=dict)
    drawn: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    cells: int = 0
    ratios: int = 0
    questions: int = 0


def headline(scores: pd.DataFrame, design: Design) -> pd.DataFrame:
    """`paper.csv`: columns `HEADLINE`, ours beside the paper's. Shares of 1; a drop is negative.

    figure: `drop` (undefended) or `recovery`; defences: one, or those averaged over. relative: of a drop the mean
    of attacked / clean - 1, of a recovery that of defended / clean; points: the mean of attacked - clean, or of
    defended - clean; both with a bootstrap interval. undefended: attacked / clean on a recovery's cells;
    clean_defended: the clean pool with the defence / clean; NaN where it was not run. cells: how many; no_ratio:
    those of them whose clean score is 0, which have points only; questions: pairs of question and seed, summed
    over datasets; pools (with one attacker, no placebo), methods, datasets: over which (joined by commas); note:
    why there is no figure.

    Args:
        scores: of all cells, long, as from `cells.read_scores`.
        design: the study's.
    """
    cells, rows = Cells(scores), []
    for domain in [*dict.fromkeys([*PAPER_DROPS, *design.domains.values()]), ALL]:
        keys = {
            "figure": "drop",
            "domain": domain,
            "defences": "none",
            "paper": PAPER_DROPS.get(domain, _NAN),
        }
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
    if not pools_of(design):
        return _nothing("the study has no pool with one attacker")
    wanted = defences or ("none",)
    methods = [
        method
        for method in design.levels
        if all(_run(cells, design, method, one, datasets) for one in (*wanted, *also))
    ]
    if not methods:
        return _nothing("no method was run so with every attacked pool")
    bag = _Bag()
    for dataset in datasets:
        names = [(method, defence) for method, defence in product(methods, wanted)]
        _add(bag, cells, design, dataset, names)
    if not bag.cells:
        return _nothing("no question was scored in every pool")
    after = "score" if defences else "attacked"
    relative, points = _estimate(bag, f"{after}_ratio", bag.ratios), _estimate(bag, f"{after}_gap", bag.cells)
    low, high = _bounds(bag, f"{after}_ratio", bag.ratios, design)
    points_low, points_high = _bounds(bag, f"{after}_gap", bag.cells, design)
    shift = 0.0 if defences else 1.0
    return {
        "relative": relative - shift,
        "relative_low": low - shift,
        "relative_high": high - shift,
        "points": points,
        "points_low": points_low,
        "points_high": points_high,
        "undefended": _estimate(bag, "attacked_ratio", bag.ratios) if defences else _NAN,
        "clean_defended": _estimate(bag, "clean_defended_ratio", bag.ratios) if defences else _NAN,
        "cells": bag.cells,
        "no_ratio": bag.cells - bag.ratios,
        "questions": bag.questions,
        "pools": ", ".join(pools_of(design)),
        "methods": ", ".join(methods),
        "datasets": ", ".join(datasets),
        "note": "",
    }


def pools_of(design: Design) -> list[str]:
    """The attacked pools of the headline figures: with one attacker, as the paper's, and that no placebo."""
    attackers = {pool: [m for m in design.pools[pool] if m in design.attackers] for pool in design.attacked}
    return [pool for pool, found in attackers.items() if len(found) == 1 and found[0] not in design.placebos]


def _nothing(note: str) -> dict[str, Any]:
    return {
        "cells": 0,
        "no_ratio": 0,
        "questions": 0,
        "pools": "",
        "methods": "",
        "datasets": "",
        "note": note,
    }


def _run(cells: Cells, design: Design, method: str, defence: str, datasets: Sequence[str]) -> bool:
    """Whether `method` was run with every attacked pool, with `defence` and without, and with the clean pool."""
    roles = [(design.clean, "none"), *((pool, "none") for pool in pools_of(design))]
    roles += [_role(design, pool, defence) for pool in pools_of(design)]
    group = Group(design.levels[method], method, (method,))
    return all(cells.has(role, group, dataset) for role, dataset in product(roles, datasets))


def _role(design: Design, pool: str, defence: str) -> Role:
    return (design.controls.get(pool, ""), "none") if defence == EMPTY else (pool, defence)


def _add(bag: _Bag, cells: Cells, design: Design, dataset: str, names: Sequence[tuple[str, str]]) -> None:
    """Add the cells of one dataset: `names` (method, defence) of every attacked pool."""
    scored = list(_scored(cells, design, dataset, names))
    if not scored:
        return
    index = scored[0].index
    questions = index.get_level_values("id").factorize(sort=True)[0]
    rng = np.random.default_rng(derive("headline", dataset))
    matrices = {role: np.stack([frame[role] for frame in scored], axis=1) for role in scored[0]}
    missing = {role: np.isnan(matrix) for role, matrix in matrices.items()}
    # A cell whose clean pool was not run with the defence still has its recovery.
    missing["clean_defended"] &= ~missing["clean_defended"].all(axis=0)
    known = ~np.any(list(missing.values()), axis=0)
    one = np.ones((1, len(index)))
    counts = known.sum(axis=0)
    with_clean = np.where(known, matrices["clean"], 0).sum(axis=0) > 0
    bag.cells += int((counts > 0).sum())
    bag.ratios += int(with_clean.sum())
    bag.questions += int(known.any(axis=1).sum())
    for name, value in _sums(one, matrices, known, with_clean).items():
        bag.seen[name] = bag.seen.get(name, 0.0) + float(value[0])
    draws = [
        _sums(_weights(questions, count, rng), matrices, known, with_clean)
        for count in _chunks(design.resamples)
    ]
    for name in draws[0]:
        bag.drawn[name] = bag.drawn.get(name, 0.0) + np.concatenate([draw[name] for draw in draws])


def _scored(
    cells: Cells, design: Design, dataset: str, names: Sequence[tuple[str, str]]
) -> Iterator[pd.DataFrame]:
    for pool, (method, defence) in product(pools_of(design), names):
        roles = {
            "clean": (design.clean, "none"),
            "attacked": (pool, "none"),
            "score": _role(design, pool, defence),
            "clean_defended": (design.clean, defence),
        }
        frame = cells.beside(dataset, Group(design.levels[method], method, (method,)), roles)
        if not frame[["clean", "attacked", "score"]].dropna().empty:
            yield frame.astype(float)


def _sums(
    weights: NDArray[np.float64],
    matrices: Mapping[str, NDArray[np.float64]],
    known: NDArray[np.bool_],
    with_clean: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    """Per row of `weights` (resamples x questions), sums over cells of ratios to clean and of gaps to it."""
    totals = {role: weights @ np.where(known, matrix, 0) for role, matrix in matrices.items()}
    counts = np.maximum(weights @ known.astype(float), 1)
    sums = {}
    for role in ("attacked", "score", "clean_defended"):
        sums[f"{role}_gap"] = ((totals[role] - totals["clean"]) / counts).sum(axis=1)
        # A resample may draw none of the few questions that the clean pool knew: half a point stands for none.
        clean = totals["clean"][:, with_clean]
        sums[f"{role}_ratio"] = (totals[role][:, with_clean] / np.where(clean > 0, clean, 0.5)).sum(axis=1)
    return sums


def _weights(questions: NDArray[np.intp], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each pair is drawn, per resample: as often as its question; `questions` has its number, [n]."""
    count = int(questions.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)
    return drawn[:, questions]


def _chunks(resamples: int) -> list[int]:
    return [min(_CHUNK, resamples - start) for start in range(0, resamples, _CHUNK)]


def _estimate(bag: _Bag, name: str, count: int) -> float:
    return bag.seen[name] / count if count else _NAN


def _bounds(bag: _Bag, name: str, count: int, design: Design) -> tuple[float, float]:
    if not count:
        return _NAN, _NAN
    tail = (1 - design.confidence) / 2
    low, high = np.quantile(bag.drawn[name] / count, [tail, 1 - tail])
    return float(low), float(high)


def differences(design: Mapping[str, Any], table: pd.DataFrame, questions: Mapping[str, int]) -> list[str]:
    """What the study is and where it differs from the paper's, a line of Markdown each, from the design alone.

    Args:
        design: plain values, as `Study.design` gives them. Beside what `Design.read` needs: study, seeds, models
            (name -> kind and source), kinds (methods and datasets: name -> module), fidelity, judge_form,
            placebos, overlaps, verified (model -> the datasets whose answers it scores); a line says less where one
            is absent.
        table: as from `headline`.
        questions: dataset -> test questions per seed.
    """
    kinds, levels = design.get("kinds", {}), design["levels"]
    methods = [kinds.get("methods", {}).get(name, name) for name in levels]
    defences = {name for names in design["defences"].values() for name in names}
    attackers = design["attackers"]
    lines = [
        f"**Study**: {_listed([design.get('study', 'unnamed')])}; seeds: {_listed(design.get('seeds', []))}"
        f"{_settings(design)}.",
        f"**Models**: {_models(design.get('models', {}))} Members of the clean pool: "
        f"{len(design['pools']['clean'])}. The paper's {PAPER_TEAM}.",
        f"**Methods**: {_beside(methods, PAPER_METHODS)}",
        f"**Attackers**: {_beside(attackers.values() if isinstance(attackers, Mapping) else (), PAPER_ATTACKERS)}",
        f"**External supervisors**: {_beside([name for name in EXTERNAL if name in defences], EXTERNAL)}",
    ]
    plain = Design.read(design)
    if others := [pool for pool in plain.attacked if pool not in pools_of(plain)]:
        lines.append(
            f"**Pools in no average**, as they have not one attacker, or a placebo: {_listed(others)}."
        )
    averaged = set(", ".join(table.loc[table["figure"] == "drop", "methods"]).split(", "))
    left_out = [name for name in levels if name not in averaged]
    if left_out:
        lines.append(
            f"**Not in the average drops**, as some attacked pool cannot run them: {_listed(left_out)}."
        )
    reasons = dict.fromkeys(f"{one['defence']}: {one['reason']}" for one in design.get("overlaps", ()))
    if reasons:
        lines.append(f"**Supervisors that are not independent**: {_listed(reasons)}.")
    for verifier, datasets in design.get("verified", {}).items():
        lines.append(
            f"**Scored by the verifier {markdown_text(verifier)}**: {_listed(datasets)} "
            f"(the paper's: {PAPER_VERIFIED})."
        )
    domains = dict.fromkeys([*PAPER_DATASETS, *design["domains"].values()])
    return [*lines, *(_questions(design, domain, questions) for domain in domains)]


def _questions(design: Mapping[str, Any], domain: str, questions: Mapping[str, int]) -> str:
    """Which datasets of a domain the study has, and which of the paper's it lacks."""
    paper, kinds = PAPER_DATASETS.get(domain, {}), design.get("kinds", {}).get("datasets", {})
    here = {name: kinds.get(name, name) for name, own in design["domains"].items() if own == domain}
    asked = [
        f"{markdown_text(name)} ({questions.get(name, 0)} test questions; "
        f"{f'the paper: {paper[kind]}' if kind in paper else 'not of the paper'})"
        for name, kind in here.items()
    ]
    absent = [name for name in paper if name not in here.values()]
    return f"**Questions, {markdown_text(domain)}**: {', '.join(asked) or 'none'}." + (
        f" Absent: {_listed(absent)}." if absent else ""
    )


def _models(models: Mapping[str, Mapping[str, str]]) -> str:
    """Which kinds of models were trained on the spot, and which models came from where."""
    made: dict[str, int] = {}
    for model in models.values():
        if not model.get("source"):
            made[model["kind"]] = made.get(model["kind"], 0) + 1
    fetched = [f"{name} ({model['source']})" for name, model in models.items() if model.get("source")]
    parts = (
        [f"trained on the spot: {_listed(f'{count} {kind}' for kind, count in made.items())}"] if made else []
    )
    parts += [f"fetched: {_listed(fetched)}"] if fetched else []
    return f"{'; '.join(parts) or 'not recorded'}."


def _settings(design: Mapping[str, Any]) -> str:
    said = f"; fidelity: {markdown_text(design['fidelity'])}" if "fidelity" in design else ""
    judge = design.get("judge_form")
    return said + (f"; judge: {markdown_text(judge)} (the paper's: listwise)" if judge else "")


def _beside(own: Iterable[str], paper: Sequence[str]) -> str:
    """Which of the paper's names the study has, lacks and adds."""
    own = list(dict.fromkeys(own))
    absent, more = [name for name in paper if name not in own], [name for name in own if name not in paper]
    said = f"{_listed(name for name in paper if name in own) or 'none'} (of the paper's {len(paper)})."
    said += f" Absent: {_listed(absent)}." if absent else ""
    return said + (f" Not of the paper: {_listed(more)}." if more else "")


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(markdown_text(str(name)) for name in names)


def unscored(scores: pd.DataFrame) -> list[str]:
    """Which datasets have answers that could not be scored (NaN), and why, a line of Markdown each.

    Args:
        scores: a row per answer of a team, with dataset, id, and the reason why it is NaN, else an empty text.
    """
    lines = []
    for dataset, all_rows in scores.groupby("dataset", sort=False):
        rows = all_rows[all_rows["reason"] != ""]
        if rows.empty:
            continue
        why = rows["reason"].value_counts()
        lines.append(
            f"**Not scored, so in no figure**: {len(rows)} of {len(all_rows)} answers to {markdown_text(str(dataset))}, "
            f"to {rows['id'].nunique()} of {all_rows['id'].nunique()} test questions: "
            f"{_listed(f'{reason} ({count})' for reason, count in why.items())}."
        )
    return lines
