"""Libraries that answers may import when they are executed for scoring."""

import importlib.util
from collections.abc import Iterable
from functools import cache

from amongus.study import plugins


def of_scored_code(metrics: Iterable[str]) -> dict[str, str]:
    """The modules that answers executed by `metrics` may import, and their names in pip."""
    libraries: dict[str, str] = {}
    for metric in metrics:
        libraries |= plugins.fact("scoring.metrics", metric, "LIBRARIES") or {}
    return libraries


@cache
def installed(name: str) -> bool:
    """Whether a module, not one of a package, can be found, without importing it."""
    return importlib.util.find_spec(name) is not None
