"""An engine as a rule's params describe it."""

from collections.abc import Iterable, Mapping
from typing import Any

from amongus.access import shared_with
from amongus.engine.engine import Engine
from amongus.engine.sampling import Sampling
from amongus.members import Member
from amongus.store import Store


def open_engine(params: Any, members: Iterable[Member], seed: int) -> Engine:
    """The engine over `members`, with the sampling, settings and store that the rule's `params` name."""
    settings: Mapping[str, Any] = params.engine
    return Engine(
        {member.name: member for member in members},
        Sampling(**params.sampling),
        seed=seed,
        store=Store(params.store, group=shared_with()),
        name_log="answers",
        **settings,
    )
