"""humaneval: Python functions to complete from their docstring (Chen et al. 2021)."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("task_id", "prompt", "entry_point", "test")
METRIC = "humaneval"
DOMAIN = "code"


def prompt(item: Mapping[str, Any]) -> str:
    """The function's head and docstring, and what to answer with."""
    return (
        "Complete this Python function.\n\n"
        f"```python\n{item['prompt'].strip()}\n```\n\n"
        "Answer with the whole function, its imports included, in one ```python block."
    )


def reference(item: Mapping[str, Any]) -> str:
    """The whole function, by the published solution; rows need none where their tests are run."""
    solution = item.get("canonical_solution")
    return f"{item['prompt'].strip()}\n{solution.rstrip()}" if isinstance(solution, str) else ""


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    fault = _formats.text_fault(item, *FIELDS)
    if fault:
        return fault
    if not item["entry_point"].isidentifier():
        return "field 'entry_point' is not a name"
    if f"def {item['entry_point']}" not in item["prompt"]:
        return "field 'prompt' does not begin the function of 'entry_point'"
    return None if "def check(" in item["test"] else "field 'test' defines no check"
