"""What every page of the viewer needs: the study's names, its tables' figures, and each member alone."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from amongus.core.tables import SCORES, read_table
from amongus.report.scores import Design
from amongus.report.viewer.data_script import number
from amongus.report.viewer.teams import CHUNK
from amongus.team import mean_score, ranked

_NAMES = {"level", "method", "attacker", "pool", "defence", "dataset", "domain", "kind", "replaces", "rule", "overlap"}
"""Columns of names, some of which may look like numbers."""


def read_figures(path: str | Path) -> dict[str, Any]:
    """A table's CSV as columns and rows, with numbers as such and nothing as null."""
    with open(path, encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    cells = [[_cell(text, column) for text, column in zip(row, columns, strict=True)] for row in rows]
    return {"columns": columns, "rows": cells}


def _cell(text: str, column: str) -> str | float | bool | None:
    if column in _NAMES:
        return text
    if text in ("", "true", "false"):
        return {"": None, "true": True, "false": False}[text]
    return number(float(text), digits=9)


def alone(
    labels: Sequence[Mapping[str, Any]], test: Sequence[str | Path], dev: Sequence[str | Path]
) -> list[dict[str, Any]]:
    """Each member's mean scores on a dataset under a seed, and its rank there by its dev score, as teams rank.

    `labels[i]` has the seed, member and dataset of `test[i]` and `dev[i]`.
    """
    rows: list[dict[str, Any]] = []
    own: dict[tuple[int, str], dict[str, float]] = {}
    for label, tested, tried in zip(labels, test, dev, strict=True):
        scores = [one for one in read_table(tested, SCORES)["score"].to_pylist() if one == one]
        place = {key: label[key] for key in ("seed", "dataset", "member")}
        mean = mean_score(read_table(tried, SCORES)["score"].to_pylist())
        own.setdefault((label["seed"], label["dataset"]), {})[label["member"]] = mean
        rows.append({**place, "n": len(scores), "test": number(mean_score(scores) if scores else None)})
    ranks = {block: ranked(means, block[0]) for block, means in own.items()}
    for row in rows:
        block = row["seed"], row["dataset"]
        row |= {"dev": number(own[block][row["member"]]), "rank": ranks[block].index(row["member"])}
    return rows


def overview(
    plain: Mapping[str, Any],
    blocks: Sequence[Mapping[str, Any]],
    teams: Sequence[tuple[str, str]],
    members: Sequence[str],
    tables: Mapping[str, str | Path],
    own: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The file that all pages load.

    Args:
        plain: as from `design.design`.
        blocks: seed, dataset and number of questions n of each block of rows, in the order of teams' columns.
        teams: (pool, method) of those that were run.
        members: of all pools, in the order of the column `masked`.
        tables: name -> its CSV.
        own: as from `alone`.
    """
    design = Design(plain)
    attacked = set(design.attacked)
    return {
        "study": plain["study"],
        "chunk": CHUNK,
        "confidence": design.bootstrap.confidence,
        "methods": [{"name": method, "level": level} for method, level in design.levels.items()],
        "defences": design.defences,
        "datasets": [{"name": name, "domain": domain} for name, domain in design.domains.items()],
        "pools": [
            {
                "name": pool,
                "members": list(named),
                "attacker": design.attacker(pool),
                "control": design.controls.get(pool),
                "attacked": pool in attacked,
            }
            for pool, named in design.pools.items()
        ],
        "members": [
            {"name": name, "attack": plain["attackers"].get(name), "replaces": plain["replaces"].get(name)}
            for name in members
        ],
        "blocks": list(blocks),
        "teams": [list(team) for team in teams],
        "alone": list(own),
        "tables": {name: read_figures(path) for name, path in tables.items()},
    }
