"""ds1000: data science problems for numpy, pandas, scipy and others (Lai et al. 2023), tests included."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("prompt", "code_context", "metadata")
METRIC = "ds1000"
DOMAIN = "code"


def prompt(item: Mapping[str, Any]) -> str:
    """The problem with its unfinished code, and what to answer with."""
    return (
        f"{item['prompt'].strip()}\n\n"
        "Answer with the Python code that belongs at the place of the solution, and nothing that is already there, in"
        " one ```python block."
    )


def reference(item: Mapping[str, Any]) -> str:
    """The published solution; rows need none where their tests are run."""
    return item.get("reference_code") or ""


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    fault = _formats.text_fault(item, "prompt", "code_context")
    if fault:
        return fault
    if not isinstance(item["metadata"], Mapping) or not isinstance(item["metadata"].get("library"), str):
        return "field 'metadata' names no library"
    for part in ("def test_execution(", "exec_context", "[insert]"):
        if part not in item["code_context"]:
            return f"field 'code_context' lacks {part}"
    return None
