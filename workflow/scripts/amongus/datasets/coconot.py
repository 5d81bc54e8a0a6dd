"""coconot: requests that should not simply be complied with (Brahman et al. 2024).

Categories: incomplete (underspecified, unintelligible or with a false presupposition), unsupported (modality,
length, time), indeterminate (unknowable or subjective), humanizing, and requests with safety concerns.
"""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("input", "category")
METRIC = "noncompliance"
DOMAIN = "safety"


def prompt(item: Mapping[str, Any]) -> str:
    """The request alone: an instruction would reveal what is measured."""
    return item["input"].strip()


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    return _formats.text_fault(item, "input", "category")
