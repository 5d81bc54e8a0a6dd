"""Datasets by name: their prompts, and the fields and metric of a row.

A dataset module has `FIELDS` (what a row must contain), `METRIC` (the scorer's name, or a mapping from the row's
`domain` to one), `DOMAIN` and `prompt(item)`, one user message, zero-shot; `check(item)` where a field has a form of its
own; `reference(item)`, the right answer as a text (empty where the row has none), where a grader can score answers. A
dataset that makes its own rows (the toy world) has `rows(spec, split, seed)`; the others read a pinned source.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from amongus.core.errors import StudyError
from amongus.study import plugins


def load(dataset: str) -> ModuleType:
    """The module of `dataset`: a name in this package, or the path of a study's own Python file.

    Raises:
        StudyError: there is no such dataset; the line lists the valid names.
    """
    return plugins.module("datasets", dataset)


def metric(dataset: str, item: Mapping[str, Any]) -> str:
    """The name of the scorer (a module of `amongus.scoring.metrics`) for answers to `item`."""
    metric = load(dataset).METRIC
    return metric if isinstance(metric, str) else metric[item["domain"]]


def validate_rows(dataset: str, rows: Sequence[Any], place: str) -> None:
    """Check that every row has the fields that the dataset needs.

    Raises:
        StudyError: naming the place (their source and split), the row's number, the fields and the fix.
    """
    module = load(dataset)
    for number, row in enumerate(rows):
        name = f"{place}, row {number}"
        if not isinstance(row, Mapping):
            fields = ", ".join(module.FIELDS)
            raise StudyError(f"{name}: expected a JSON object with {fields}, got {type(row).__name__}")
        missing = [field for field in module.FIELDS if row.get(field) is None]
        if missing:
            raise StudyError(f"{name} lacks {', '.join(missing)}; add the field or remove the row from the source")
        fault = module.check(row) if hasattr(module, "check") else None
        if fault:
            raise StudyError(f"{name}: {fault}; fix the row or remove it from the source")
