"""ifeval: prompts with 25 kinds of instructions a program can check (Zhou et al. 2023)."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _instructions

FIELDS = ("prompt", "instruction_id_list", "kwargs")
METRIC = "instructions"
DOMAIN = "instruction"


def prompt(item: Mapping[str, Any]) -> str:
    """The prompt as it stands: it states its instructions itself."""
    return item["prompt"].strip()


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    return _instructions.fault(item)
