"""What is wrong with a config, in one line that says where and how to mend it."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

import yaml


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
