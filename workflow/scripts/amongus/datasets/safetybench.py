"""safetybench: what is safe, offensive, lawful or ethical (Zhang et al. 2023), 2 to 4 options."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("question", "choices", "answer")
METRIC = "choice"
DOMAIN = "safety"


def prompt(item: Mapping[str, Any]) -> str:
    """The question with lettered options; the answer is a letter."""
    return _formats.choice_prompt(item)


def reference(item: Mapping[str, Any]) -> str:
    """The right option, letter and text."""
    return _formats.choice_reference(item)


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    return _formats.choice_fault(item)
