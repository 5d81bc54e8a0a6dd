"""What is wrong with a config, in one line that says where and how to mend it."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from amongus.core.errors import StudyError

STORE = "results/store"
"""The store of a study that names none, as in config/schema.yaml."""


def one_line(error: Exception) -> str:
    """The message of a failed `snakemake.utils.validate`, in one line.

    Args:
        error: the exception that `validate` raised; its context is the validator's own error.
    """
    cause: Any = error.__context__
    if not hasattr(cause, "absolute_path"):
        return " ".join(str(error).split())
    where = ": ".join(str(step) for step in cause.absolute_path) or "config"
    if cause.validator == "additionalProperties":
        return f"{where}: {_unknown_keys(cause)}"
    if cause.validator == "required":
        return f"{where}: {cause.message} (see config/schema.yaml)"
    return f"{where}: {cause.message[:300]} ({cause.schema.get('description', 'see config/schema.yaml')})"


def typed(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `--config` with their types: inside lists and mappings Snakemake leaves all scalars as text.

    >>> typed({"seeds": ["1", "2"], "engine": {"device": "cpu", "max_batch": "7"}})
    {'seeds': [1, 2], 'engine': {'device': 'cpu', 'max_batch': 7}}
    """
    return {key: _typed(value) for key, value in overrides.items() if isinstance(value, dict | list)}


def read_configs(paths: Iterable[str | Path]) -> dict[str, Any]:
    """The top-level keys of study files, later ones over earlier; defaults are not filled in.

    Raises:
        StudyError: a file is missing or not a YAML mapping.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise StudyError(
                f"{path}: not a study's config ({error}); give one like config/demo.yaml"
            ) from None
        if not isinstance(content, dict):
            raise StudyError(f"{path}: not a study's config; give one like config/demo.yaml")
        merged |= content
    return merged


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


def _unknown_keys(cause: Any) -> str:
    valid = sorted(cause.schema.get("properties", {}))
    unknown = sorted(set(cause.instance) - set(valid))
    hints = []
    for key in unknown:
        close = difflib.get_close_matches(key, valid, 1)
        hints.append(f"unknown key '{key}'" + (f", did you mean '{close[0]}'?" if close else ""))
    return re.sub(r"\s+", " ", f"{'; '.join(hints)} Valid keys: {', '.join(valid)}")
