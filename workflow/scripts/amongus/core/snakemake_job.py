"""The object that Snakemake gives a rule's script as `snakemake`, as far as scripts use it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol


class Named(Protocol):
    """Files, params, wildcards or resources: a list whose items may have names."""

    def __getattr__(self, name: str) -> Any: ...

    def __getitem__(self, key: int | str) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def get(self, key: str, default: Any = None) -> Any:
        """The item of that name, if there is one."""


class Job(Protocol):
    """One job of a rule."""

    input: Named
    output: Named
    params: Named
    wildcards: Named
    resources: Named
    log: Sequence[str]
    config: Mapping[str, Any]
