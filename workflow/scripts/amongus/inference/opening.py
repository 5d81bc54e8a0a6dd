"""An engine as a rule's params describe it."""

from collections.abc import Iterable, Mapping
from typing import Any

from amongus.inference.answer_cache import Store
from amongus.inference.engine import Engine
from amongus.inference.sampling_params import Sampling
from amongus.members.member import Member


def open_engine(params: Any, members: Iterable[Member], seed: int) -> Engine:
    """The engine over `members`, with the sampling, settings and store that the rule's `params` name."""
    settings: Mapping[str, Any] = params.engine
    return Engine(
        {member.name: member for member in members},
        Sampling(**params.sampling),
        seed=seed,
        store=Store(params.store),
        name_log="answers",
        **settings,
    )
