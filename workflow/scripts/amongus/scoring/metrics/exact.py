"""The answer and nothing else: what closed tasks with one short answer are scored by."""

from collections.abc import Mapping
from typing import Any

from amongus.scoring import Unscorable


def score(item: Mapping[str, Any], text: str) -> float:
    """1.0 where `text` is the item's `answer` but for blanks around it and runs of blanks within, else 0.0.

    Raises:
        Unscorable: the item has no reference.
    """
    wanted = item.get("answer")
    if not isinstance(wanted, str) or not wanted.strip():
        raise Unscorable("the item has no reference answer")
    return float(text.split() == wanted.split())
