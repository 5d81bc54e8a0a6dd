"""gsm8k: grade-school word problems with one number as the answer (Cobbe et al. 2021)."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("input", "output")
METRIC = "boxed"
DOMAIN = "reasoning"


def prompt(item: Mapping[str, Any]) -> str:
    """The problem, and where to put the number."""
    return (
        f"{item['input'].strip()}\n\nReason step by step if you need to, then end with the final answer alone in"
        " \\boxed{}, as in \\boxed{42}."
    )


reference = _formats.short_answer_reference
check = _formats.short_answer_fault
