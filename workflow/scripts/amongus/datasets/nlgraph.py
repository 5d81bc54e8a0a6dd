"""nlgraph: connectivity (Yes or No) and shortest path lengths of graphs in words (Wang et al. 2023)."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("input", "output")
METRIC = "boxed"
DOMAIN = "reasoning"


def prompt(item: Mapping[str, Any]) -> str:
    """The graph and its question, which ends in "Please directly answer with ...:", and where to put the answer."""
    return (
        f"{item['input'].strip()}\n\nPut the final answer alone in \\boxed{{}}, as in \\boxed{{Yes}} or \\boxed{{42}}."
    )


reference = _formats.short_answer_reference
check = _formats.short_answer_fault
