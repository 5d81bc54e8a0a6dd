"""An engine as a rule's params describe it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from amongus.core.snakemake_job import Named
from amongus.inference.answer_cache import Store
from amongus.inference.engine import Engine
from amongus.inference.sampling_params import Sampling
from amongus.members.member import Member


@dataclass(frozen=True)
class EngineParams:
    """What an engine needs of a rule's params."""

    engine: Mapping[str, Any]
    sampling: Mapping[str, Any]
    store: str


def open_engine(params: EngineParams | Named, members: Iterable[Member], seed: int) -> Engine:
    """The engine over `members`, with the sampling, settings and store that the rule's `params` name."""
    return Engine(
        {member.name: member for member in members},
        Sampling(**params.sampling),
        seed=seed,
        store=Store(params.store),
        name_log="answers",
        **params.engine,
    )
