"""ifeval: prompts with 25 kinds of instructions a program can check (Zhou et al. 2023)."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("prompt", "instruction_id_list", "kwargs")
METRIC = "instructions"
DOMAIN = "instruction"


def prompt(item: Mapping[str, Any]) -> str:
    """The prompt unchanged: it states its instructions itself."""
    return item["prompt"].strip()


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    return instructions_fault(item) or _formats.text_fault(item, "prompt")


def instructions_fault(item: Mapping[str, Any]) -> str | None:
    """Why the item's instructions cannot be checked, or None."""
    names, arguments = item.get("instruction_id_list"), item.get("kwargs")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return "field 'instruction_id_list' must be a list of at least one name"
    if not isinstance(arguments, list) or not all(isinstance(one, Mapping) for one in arguments):
        return "field 'kwargs' must be a list of objects"
    if len(arguments) != len(names):
        return f"{len(names)} instructions but {len(arguments)} kwargs"
    return None
