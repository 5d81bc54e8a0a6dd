"""Libraries that answers may import where they are run to score them."""

import importlib.util
from collections.abc import Iterable
from functools import cache

from amongus.study import plugins


def of_scored_code(metrics: Iterable[str]) -> dict[str, str]:
    """What answers that these metrics run may import, and how pip calls it."""
    named: dict[str, str] = {}
    for metric in metrics:
        named |= plugins.fact("scoring.metrics", metric, "LIBRARIES", {})
    return named


@cache
def installed(name: str) -> bool:
    """Whether a module can be found, without importing it."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
