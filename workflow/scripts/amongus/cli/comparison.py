"""`make compare A=results/x B=results/y`: two studies, question by question, and what differs in how they were made."""

import argparse
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from amongus.core.atomic import write_text
from amongus.core.checksums import hash_file
from amongus.core.errors import StudyError, run_command
from amongus.core.hashing import derive
from amongus.core.tables import QUESTIONS, RUN_SCORES, read_table
from amongus.report.layout import (
    by_dataset,
    dataset_label,
    level_label,
    method_label,
    p_label,
    percent_label,
    points_label,
)
from amongus.report.manifest import read_manifest
from amongus.report.render import Column, View, csv_text, markdown, markdown_text
from amongus.report.scores import (
    CELL,
    TEAM_FILE,
    Cells,
    Design,
    Group,
    Role,
    groups,
    means,
    read_scores,
    spans,
    support,
)
from amongus.report.tables import adjusted, interval_of, p_value_of

COMPARED = [
    *("level", "method", "pool", "defence", "dataset", "domain", "n", "seeds"),
    *("a", "b", "difference", "difference_low", "difference_high", "p_value"),
]
_TABLE = "impact"
_RUN_SCORES = "scores/runs/"
_SHOWN = 60


def compare(a: str | Path, b: str | Path) -> tuple[pd.DataFrame, Design]:
    """The paired differences of two studies, B − A, and the design of what they share.

    A pair is one question (the same id, and the same question behind it) under one seed, answered in the same cell of
    both. Averages are over the methods and datasets that both have of a pool under a defence.

    Raises:
        StudyError: a study without tables, or nothing in common.
    """
    designs = [Design.read(read_manifest(study, _TABLE)["design"]) for study in (a, b)]
    scores = {name: _scores(Path(study)) for name, study in (("a", a), ("b", b))}
    shared = _same_questions(Path(a), Path(b), scores)
    design = _common(*designs)
    cells = Cells(
        pd.concat([frame.assign(pool=f"{name} " + frame["pool"]) for name, frame in shared.items()])
    )
    rows = [
        row
        for pool, defence in _teams(shared)
        for row in _rows(cells, design, {"a": (f"a {pool}", defence), "b": (f"b {pool}", defence)})
    ]
    if not rows:
        raise StudyError(
            f"{a}, {b}: no cell and seed in common; compare studies of the same pools, methods, datasets and seeds"
        )
    return adjusted(pd.DataFrame(rows, columns=COMPARED)), design


def _scores(study: Path) -> pd.DataFrame:
    """The scores that the study's table was made of, as `read_scores` lays them out."""
    paths, cells = [], []
    for name, digest in read_manifest(study, _TABLE)["inputs"].items():
        seed, _, rest = name.rpartition("/seed-")[2].partition("/")
        cell = rest.removeprefix(_RUN_SCORES).removesuffix(".parquet").split("/")
        path = study / f"seed-{seed}" / rest
        if path.exists() and hash_file(path) != digest:
            read_table(path, RUN_SCORES)  # Says so where it is damaged.
            raise StudyError(
                f"{path}: not what the study's tables were made of; run it again up to its tables first"
            )
        paths.append(path)
        cells.append(dict(zip(TEAM_FILE, [int(seed), *cell], strict=True)))
    return read_scores(paths, cells)


def _same_questions(a: Path, b: Path, scores: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What both studies have scored: cells, seeds, and ids behind which stands the same question."""
    cells = [frame[CELL].drop_duplicates() for frame in scores.values()]
    common = cells[0].merge(cells[1], on=CELL)
    known = [
        (dataset, key)
        for dataset in common["dataset"].unique()
        for key in sorted(_questions(a, dataset).items() & _questions(b, dataset).items())
    ]
    same = pd.DataFrame([(dataset, key) for dataset, (key, _) in known], columns=["dataset", "id"])
    return {
        name: frame.merge(common, on=CELL).merge(same, on=["dataset", "id"]) for name, frame in scores.items()
    }


def _questions(study: Path, dataset: str) -> dict[str, tuple[str, str]]:
    """Test questions by id: the prompt and what it is scored against."""
    table = read_table(study / "datasets" / dataset / "test.parquet", QUESTIONS)
    return {row["id"]: (row["prompt"], row["item"]) for row in table.to_pylist()}


def _common(a: Design, b: Design) -> Design:
    """The methods, datasets and cells that mean the same in both; the rest of A's."""
    return Design(
        pools=a.pools,
        attackers=a.attackers,
        controls=a.controls,
        levels={method: level for method, level in a.levels.items() if b.levels.get(method) == level},
        domains={name: domain for name, domain in a.domains.items() if name in b.domains},
        inapplicable=a.inapplicable | b.inapplicable,
        resamples=a.resamples,
        confidence=a.confidence,
    )


def _teams(shared: Mapping[str, pd.DataFrame]) -> list[Role]:
    """Pools and defences that both have, in the order of A's."""
    frame = shared["a"][["pool", "defence"]].drop_duplicates()
    return list(frame.itertuples(index=False, name=None))


def _rows(cells: Cells, design: Design, roles: Mapping[str, Role]) -> Iterator[dict[str, Any]]:
    pool, defence = roles["a"][0].removeprefix("a "), roles["a"][1]
    methods = {
        method
        for method, level in design.levels.items()
        if _datasets(cells, design, Group(level, method, (method,)), roles)
    }
    for group in groups(design, methods):
        for span in spans(design, _datasets(cells, design, group, roles)):
            rows = support(cells, group, span, roles, ["a", "b"])
            if rows.empty:
                continue
            keys = [group.level, group.method, pool, defence, span.dataset, span.domain]
            seed = derive("compare", *keys)
            scores = means(rows, roles)
            low, high = interval_of(rows, rows["b"] - rows["a"], design, seed, 1.0)
            yield {
                **dict(zip(COMPARED, [*keys, len(rows), rows["seed"].nunique()], strict=False)),
                **scores,
                "difference": scores["b"] - scores["a"],
                "difference_low": low,
                "difference_high": high,
                "p_value": p_value_of(rows, "b", "a", seed),
            }


def _datasets(cells: Cells, design: Design, group: Group, roles: Mapping[str, Role]) -> list[str]:
    return [name for name in design.domains if all(cells.has(role, group, name) for role in roles.values())]


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What two manifests say differently: (key, in A, in B), deeper keys joined by dots. `–`: not there."""
    parts = ("config", "code", "engine", "packages", "machine", "jobs_of_models")
    flat = [
        {key: value for part in parts for key, value in _flat(part, manifest.get(part))}
        for manifest in (a, b)
    ]
    shown = [
        (key, flat[0].get(key, "–"), flat[1].get(key, "–")) for key in dict.fromkeys([*flat[0], *flat[1]])
    ]
    return [(key, one, other) for key, one, other in shown if one != other]


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner)
    else:
        yield key, json.dumps(value, ensure_ascii=False, sort_keys=True)


def compared_view(table: pd.DataFrame, design: Design, a: str, b: str) -> View:
    """The differences for readers."""
    note = (
        f"A is {markdown_text(a)}, B is {markdown_text(b)}. Mean test scores in %; difference = B − A in percentage "
        f"points with its {level_label(design)} bootstrap interval over questions; p: B = A (exact "
        "McNemar, sign-flip permutation for averages), Holm-adjusted. Averages are over what both have."
    )
    columns = [
        Column("Method", method_label, True),
        Column("Pool", lambda row: row["pool"], True),
        Column("Defence", lambda row: row["defence"], True),
        Column("Dataset", dataset_label, True),
        Column("n", lambda row: str(row["n"])),
        Column("A", partial(percent_label, "a")),
        Column("B", partial(percent_label, "b")),
        Column("B − A, pp", partial(points_label, "difference")),
        Column("p", p_label),
    ]
    return View("Two studies", note, columns, by_dataset(table))


def differences_text(found: list[tuple[str, str, str]]) -> str:
    """The differences of two manifests as a Markdown section."""
    lines = ["## What differs in how they were made", ""]
    if not found:
        return "\n".join([*lines, "Nothing that the manifests know of.", ""])
    lines += ["| what | A | B |", "| --- | --- | --- |"]
    for row in found:
        cells = [text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…" for text in row]
        lines.append(f"| {' | '.join(map(markdown_text, cells))} |")
    return "\n".join([*lines, ""])


def main() -> int:
    """Print the comparison as Markdown, and write its table as CSV if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", help="the results of a study: results/{study}")
    parser.add_argument("b", help="those of another")
    parser.add_argument("--csv", help="where to write the table as CSV")
    arguments = parser.parse_args()
    a, b = arguments.a, arguments.b
    table, design = compare(a, b)
    print(markdown(compared_view(table, design, a, b)))
    print(differences_text(differences(read_manifest(a, _TABLE), read_manifest(b, _TABLE))), end="")
    if arguments.csv:
        write_text(arguments.csv, csv_text(table))
    return 0


if __name__ == "__main__":
    run_command(main)
