"""Random seeds derived from what they are for, so that no stream depends on the order of the work; samples by them."""

import hashlib
import json
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 63) - 1
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> bytes:
    """The canonical JSON of `value`: sorted keys, no blanks, UTF-8."""
    return _JSON.encode(value).encode("utf-8", "surrogatepass")


def digest(*parts: object) -> str:
    """The sha256 (hex) of the canonical JSON of `parts`."""
    return hashlib.sha256(canonical(list(parts))).hexdigest()


def derive(*parts: object) -> int:
    """A seed in [0, 2**63) that depends on `parts` (JSON values) and on nothing else.

    >>> derive(1, "sft", "code") == derive(1, "sft", "code")
    True
    """
    return int(digest(*parts)[:16], 16) & _MASK


def drawn(items: Sequence[T], count: int | None, seed: int) -> list[T]:
    """`count` of `items`, drawn by `seed`, in their order; all where there are no more."""
    if count is None or count >= len(items):
        return list(items)
    return [items[place] for place in sorted(random.Random(seed).sample(range(len(items)), count))]
