"""Datasets by name: what a member is asked, and which fields and metric a row has.

A dataset module offers `FIELDS` (what a row must hold), `METRIC` (the scorer's name, or a mapping from
the row's `domain` to one), `DOMAIN` and `prompt(item)`; `check(item)` where a field has a shape of its
own; `reference(item)`, the right answer as a text (empty where the row has none), where a verifier can
score answers. A dataset that makes its rows itself (the toy world) offers `rows(spec, split)`; the others
read a pinned source.

"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from amongus.core.errors import StudyError
from amongus.study import plugins

Item = Mapping[str, Any]


def available() -> list[str]:
    """The names of the datasets in the package, sorted."""
    return plugins.available("datasets")


def load(dataset: str) -> ModuleType:
    """The module of `dataset`: a name of `available()`, or the path of a study's own Python file.

    Raises:
        StudyError: there is no such dataset; the line lists the valid names.
    """
    return plugins.module("datasets", dataset)


def prompt(dataset: str, item: Item) -> str:
    """What a member is asked about `item`, a row of the dataset's JSON: one user message, zero-shot.

    Raises:
        StudyError: the dataset is unknown, or the row lacks a field.
    """
    module = load(dataset)
    _require(module, item, f"{dataset}: the row")
    return module.prompt(item)


def metric(dataset: str, item: Item) -> str:
    """The name of the scorer (a module of `amongus.scoring`) that judges a text about `item`."""
    declared = load(dataset).METRIC
    if isinstance(declared, str):
        return declared
    name = declared.get(item.get("domain"))
    if name is None:
        raise StudyError(
            f"{dataset}: no metric for domain {item.get('domain')!r}; known: {', '.join(declared)}"
        )
    return name


def validate_rows(dataset: str, rows: Sequence[Any], split: str, where: str = "", kind: str = "") -> None:
    """Check that every row holds the fields the dataset needs.

    Args:
        dataset: the dataset's name, for the message.
        rows: the rows of one split, in the order of the source.
        split: `dev` or `test`.
        where: the file or URL they come from, for the message.
        kind: the dataset module's name where it differs from `dataset`.

    Raises:
        StudyError: naming the source, dataset, split, row number, the fields and the mend.
    """
    module = load(kind or dataset)
    source = f"{where}: " if where else ""
    for number, row in enumerate(rows):
        _require(module, row, f"{source}dataset {dataset}, split {split}, row {number}")


def _require(module: ModuleType, item: Any, what: str) -> None:
    if not isinstance(item, Mapping):
        raise StudyError(
            f"{what} is no JSON object but {type(item).__name__}; make it one with {_fields(module)}"
        )
    missing = [field for field in module.FIELDS if item.get(field) is None]
    if missing:
        raise StudyError(
            f"{what} lacks {', '.join(missing)}; add the field or leave the row out of the source"
        )
    fault = module.check(item) if hasattr(module, "check") else None
    if fault:
        raise StudyError(f"{what}: {fault}; mend the row or leave it out of the source")


def _fields(module: ModuleType) -> str:
    return ", ".join(module.FIELDS)
