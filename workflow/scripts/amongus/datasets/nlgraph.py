"""nlgraph: connectivity (Yes or No) and shortest path lengths of graphs told in words (Wang et al. 2023)."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("input", "output")
METRIC = "boxed"
DOMAIN = "reasoning"


def prompt(item: Mapping[str, Any]) -> str:
    """The graph and its question, and where to put the answer.

    The rows end in "Please directly answer with ...:"; what to answer with is kept.
    """
    question = item["input"].strip()
    return f"{question}\n\nPut the final answer alone in \\boxed{{}}, as in \\boxed{{Yes}} or \\boxed{{42}}."


def reference(item: Mapping[str, Any]) -> str:
    """The right answer: Yes, No or a number."""
    return item["output"]


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    return _formats.text_fault(item, "input", "output")
