"""The smallest study that uses every stage: two experts, three attackers, all methods."""

import copy
from typing import Any

from examples import examples

STUDY: dict[str, Any] = examples("micro")


def study(**changes: Any) -> dict[str, Any]:
    """A copy of the study, with some of its keys replaced."""
    return copy.deepcopy({**STUDY, **changes})


def models(*names: str) -> dict[str, Any]:
    """Some of its models."""
    return {name: STUDY["models"][name] for name in names}
