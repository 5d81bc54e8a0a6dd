"""The cells of a study as the tables read them: their design, and their scores side by side.

A cell is (pool, method, defence, dataset); all its seeds are read together. Scores are paired: a pair is one
question under one seed, scored in two cells.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from amongus.core.errors import StudyError
from amongus.core.tables import RUN_SCORES, SCORES, read_table
from amongus.report import statistics
from amongus.report.intervals import over_pairs

ALL = "all"
"""The name of averages: over datasets, domains, methods or levels."""
CELL = ["seed", "pool", "method", "defence", "dataset"]
TEAM_FILE = ["seed", "pool", "method", "dataset"]
"""What a team's file is about; its rows name the defence."""
Role = tuple[str, str]
"""A pool and a defence: with a group of methods and a dataset, the scores that a column is made of."""


class Design:
    """Which cells a study has and what they mean. Orders are the order of rows.

    Attributes:
        clean: the reference pool of drops.
        pools: pool -> its members.
        attackers: the members that are attackers.
        placebos: harmless attackers: they have rows, but do not count in the headline figures.
        controls: attacked pool -> the pool with the attacker's place left empty.
        levels: method -> api, text, logit or weight.
        domains: dataset -> domain.
        defences: those of any method, without `none`.
        inapplicable: (pool, method) that cannot be run: a merge of weights where the attacker has none.
        overlaps: (pool, defence) -> why the supervisor is not independent of the attacker, as one line.
    """

    clean = "clean"

    def __init__(self, value: Mapping[str, Any]) -> None:
        """From plain values, as from `design.design`; other keys are ignored.

        Raises:
            StudyError: a method, level, dataset or domain is called `all`, the name of averages.
        """
        for kind, names in (("method", value["levels"]), ("dataset", value["domains"])):
            if ALL in names or ALL in names.values():
                raise StudyError(f"config: a {kind} is called '{ALL}', which the tables use for averages; rename it")
        self.pools: Mapping[str, Sequence[str]] = value["pools"]
        self.attackers = frozenset(value["attackers"])
        self.placebos = frozenset(value["placebos"])
        self.controls: Mapping[str, str] = value["controls"]
        self.levels: Mapping[str, str] = value["levels"]
        self.domains: Mapping[str, str] = value["domains"]
        defences = dict.fromkeys(name for names in value["defences"].values() for name in names)
        self.defences = [name for name in defences if name != "none"]
        self.inapplicable = {
            (pool, method)
            for pool, methods in value["applicable"].items()
            for method, applicable in methods.items()
            if not applicable
        }
        self.overlaps = {(one["pool"], one["defence"]): one["reason"] for one in value["overlaps"]}
        self.bootstrap = statistics.Bootstrap(**value["bootstrap"])

    @property
    def attacked(self) -> list[str]:
        """The pools that have rows: all but the clean one and those that only serve as another's control."""
        return [pool for pool in self.pools if pool != self.clean and pool not in self.controls.values()]

    @property
    def headline_pools(self) -> list[str]:
        """The attacked pools of the headline figures: with one attacker, as the paper's, that is no placebo."""
        attackers = {pool: [m for m in self.pools[pool] if m in self.attackers] for pool in self.attacked}
        return [pool for pool, own in attackers.items() if len(own) == 1 and own[0] not in self.placebos]

    def attacker(self, pool: str) -> str:
        """The attackers of `pool`, joined by +; empty for a benign pool."""
        return "+".join(member for member in self.pools[pool] if member in self.attackers)

    def chooses(self, method: str, defence: str) -> bool:
        """Whether `defence` only prefers one candidate to another and suspects none: a router's `self`."""
        return self.levels[method] == "api" and defence == "self"

    def for_team(self, method: str, defence: str) -> bool:
        """Whether the masked member is decided once per team and dataset, not per question."""
        return self.levels[method] == "weight" or defence == "self"


@dataclass(frozen=True)
class Group:
    """The methods of a row: one, or those it averages over."""

    level: str
    method: str
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """The datasets of a row: one, or those it averages over."""

    dataset: str
    domain: str
    datasets: tuple[str, ...]


class Cells:
    """Scores by cell, checked: all cells of a dataset have the same questions under the same seeds, once."""

    def __init__(self, scores: pd.DataFrame) -> None:
        """`scores`: long frame of seed, pool, method, defence, dataset, id, score."""
        self._questions: dict[str, pd.Index] = {}
        self._scores: dict[tuple[str, str, str, str], NDArray[np.float64]] = {}
        for key, frame in scores.groupby(CELL[1:], sort=False, observed=True):
            cell = frame.set_index(["seed", "id"])["score"].sort_index()
            questions = self._questions.setdefault(key[-1], cell.index)
            if not (cell.index.is_unique and cell.index.equals(questions)):
                raise StudyError(
                    f"scores of {'/'.join(key)}: a duplicate question, or other questions or seeds than the other "
                    "cells of the dataset; delete them and run again"
                )
            self._scores[key] = cell.to_numpy(dtype=float)

    def has(self, role: Role, methods: Sequence[str], dataset: str) -> bool:
        """Whether all of `methods` were run with the pool and the defence of `role`."""
        pool, defence = role
        return all((pool, method, defence, dataset) in self._scores for method in methods)

    def methods(self, defence: str) -> set[str]:
        """The methods run with `defence`."""
        return {method for _, method, other, _ in self._scores if other == defence}

    def beside(self, dataset: str, methods: Sequence[str], roles: Mapping[str, Role]) -> pd.DataFrame:
        """One column per role, one row per (seed, id); NaN where a role was not run.

        A score is the question's mean over `methods`, NaN where one of them has none.
        """
        columns: dict[str, Any] = {}
        for role, (pool, defence) in roles.items():
            columns[role] = np.nan
            if self.has((pool, defence), methods, dataset):
                scores = [self._scores[pool, method, defence, dataset] for method in methods]
                columns[role] = np.mean(scores, axis=0)
        return pd.DataFrame(columns, index=self._questions[dataset])


def read_scores(paths: Sequence[str | Path], labels: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The long frame of teams' scores, one file per team and dataset; `labels[i]` has the `TEAM_FILE` of `paths[i]`."""
    return read_long(paths, labels, RUN_SCORES, TEAM_FILE, ["defence", "id", "score", "reason"])


def read_responses(paths: Sequence[str | Path], labels: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The long frame of the members' own scores; `labels[i]` has seed, member, dataset, split of its path."""
    return read_long(paths, labels, SCORES, ["seed", "member", "dataset", "split"], ["id", "score"])


def read_long(
    paths: Sequence[str | Path],
    labels: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    keys: Sequence[str],
    columns: Sequence[str],
) -> pd.DataFrame:
    """`columns` of all files under one another, each file's rows with the `keys` of its labels."""
    frames = [
        read_table(path, schema)
        .select(list(columns))
        .to_pandas(use_threads=False)
        .assign(**{key: label[key] for key in keys})
        for path, label in zip(paths, labels, strict=True)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*columns, *keys])


def groups(design: Design, methods: set[str], defences: Mapping[str, set[str]] | None = None) -> Iterator[Group]:
    """Each of `methods`, then levels that have several, then all that every attacked pool can run.

    Averages are on common support. Given `defences` (name -> its methods), an average of a level, or of all, leaves
    out methods that lack a defence which several of them have: defences are then compared on the same methods.
    (A defence of a single method has no average, and excludes no method.)
    """
    present = [Group(level, method, (method,)) for method, level in design.levels.items() if method in methods]
    yield from present
    everywhere = {
        method for method in design.levels if all((pool, method) not in design.inapplicable for pool in design.attacked)
    }
    for level in [*dict.fromkeys(group.level for group in present), ALL]:
        candidates = {m for m, own in design.levels.items() if level in (own, ALL)}
        candidates &= everywhere if level == ALL else candidates
        having = [candidates & with_defence for with_defence in (defences or {}).values()]
        members = candidates.intersection(methods, *(several for several in having if len(several) > 1))
        if len({design.levels[m] for m in members} if level == ALL else members) > 1:
            yield Group(level, ALL, tuple(method for method in design.levels if method in members))


def spans(design: Design, datasets: Collection[str]) -> Iterator[Span]:
    """Each of `datasets`, then the domains that have several, then all of them."""
    present = [Span(name, domain, (name,)) for name, domain in design.domains.items() if name in datasets]
    yield from present
    for domain in dict.fromkeys(span.domain for span in present):
        members = tuple(span.dataset for span in present if span.domain == domain)
        if len(members) > 1:
            yield Span(ALL, domain, members)
    if present:
        yield Span(ALL, ALL, tuple(span.dataset for span in present))


def support(cells: Cells, group: Group, span: Span, roles: Mapping[str, Role], needed: Sequence[str]) -> pd.DataFrame:
    """The pairs that a row is computed from: those scored in every role of `needed`; other roles may be NaN.

    Columns beside the roles: seed, id, dataset, stratum (a dataset), question (the same under every seed) and weight
    (each dataset the same, sum 1).
    """
    frames = []
    for dataset in span.datasets:
        frame = cells.beside(dataset, group.methods, roles).dropna(subset=list(needed))
        frames.append(frame.assign(dataset=dataset, weight=1 / max(len(frame), 1)).reset_index())
    rows = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    rows["weight"] /= max(rows["dataset"].nunique(), 1)
    rows["stratum"] = rows.groupby("dataset").ngroup()
    rows["question"] = rows.groupby(["dataset", "id"]).ngroup()
    return rows


def means(rows: pd.DataFrame, roles: Iterable[str]) -> dict[str, float]:
    """The mean score of each role over datasets of the same weight; NaN where one of them has none."""
    return rows.groupby("dataset")[list(roles)].mean().mean(skipna=False).to_dict()


def drop(rows: pd.DataFrame, before: str, after: str, scores: Mapping[str, float], design: Design) -> dict[str, Any]:
    """The columns of a drop from role `before` to role `after`: n, seeds, `scores`, drop with its interval, p_value."""
    estimate = over_pairs(rows[before] - rows[after], rows)
    low, high = estimate.interval(design.bootstrap.confidence)
    return {
        "n": len(rows),
        "seeds": rows["seed"].nunique(),
        **scores,
        "drop": scores[before] - scores[after],
        "drop_low": low,
        "drop_high": high,
        "p_value": estimate.p_value(),
    }


def attacked_rows(
    cells: Cells,
    design: Design,
    defence: str,
    figures: Callable[[Group, str, Span], Mapping[str, Any]],
    defences: Mapping[str, set[str]] | None = None,
) -> Iterator[dict[str, Any]]:
    """A row per group of methods, attacked pool and span that were run with `defence` and without.

    Where the methods cannot be run with the pool, the row only says so; `figures` gives the columns of the others.
    `defences` are as in `groups`.
    """
    for group in groups(design, cells.methods(defence), defences):
        for pool in design.attacked:
            applicable = all((pool, method) not in design.inapplicable for method in group.methods)
            run = pool if applicable else design.clean
            roles = [(design.clean, "none"), (run, "none"), (run, defence)]
            common = [name for name in design.domains if all(cells.has(role, group.methods, name) for role in roles)]
            for span in spans(design, common):
                yield {
                    "level": group.level,
                    "method": group.method,
                    "attacker": design.attacker(pool),
                    "pool": pool,
                    "dataset": span.dataset,
                    "domain": span.domain,
                    **(figures(group, pool, span) if applicable else {"n": 0, "seeds": 0}),
                    "applicable": applicable,
                }
