"""Exact match of the whole text, for closed tasks with one short answer."""

from collections.abc import Mapping
from typing import Any

from amongus.scoring import Unscorable


def score(item: Mapping[str, Any], text: str) -> float:
    """1.0 where `text` equals the item's `answer` up to blanks around it and runs of blanks within, else 0.0.

    Raises:
        Unscorable: the item has no reference.
    """
    wanted = item.get("answer")
    if not isinstance(wanted, str) or not wanted.strip():
        raise Unscorable("the item has no reference answer")
    return float(text.split() == wanted.split())
