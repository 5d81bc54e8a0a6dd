"""Plain data as text that can be read back without running anything: what crosses between tests and code under test.

Only values of Python's own plain types survive; a value's class, and so its own `__eq__`, does not. Any other value
becomes an `Opaque`, which equals nothing.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

DEEPEST = 60
_CONTAINERS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Opaque:
    """Takes the place of a value that is not plain data."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}>"


Packer = Callable[[Any, int], Any]
"""Packs a value at that depth of nesting, or returns None for a type it does not handle."""


def pack(value: Any, depth: int = 0, packer: Packer | None = None) -> Any:
    """`value`, `depth` deep in another, as something `json` can write; subclasses become the plain type below them.

    `packer` is for further types and tried first.
    """
    packed = packer(value, depth) if packer and depth <= DEEPEST else None
    if packed is not None:
        return packed
    if value is None or value is True or value is False:
        return value
    if depth > DEEPEST:
        return {"opaque": "too deep"}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return {"int": int.__format__(value, "x")}
    if isinstance(value, float):
        return {"float": float.hex(value)}
    if isinstance(value, complex):
        return {"complex": [float.hex(value.real), float.hex(value.imag)]}
    if isinstance(value, bytes | bytearray):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, dict):
        pairs = dict.items(value)
        return {"dict": [[pack(k, depth + 1, packer), pack(v, depth + 1, packer)] for k, v in pairs]}
    for name, kind in _CONTAINERS.items():
        if isinstance(value, kind):
            return {name: [pack(one, depth + 1, packer) for one in kind.__iter__(value)]}
    return _pack_number(value, depth)


def _pack_number(value: Any, depth: int) -> Any:
    """Numbers of other types that equal plain ones: numpy scalars, fractions, decimals."""
    module = str(type(value).__module__).partition(".")[0]
    if module == "numpy" and isinstance(value, sys.modules["numpy"].generic):
        plain = value.item()
        if type(plain) in (bool, int, float, complex, str):
            return pack(plain, depth + 1)
    if module == "fractions":
        return {"fraction": [int.__format__(value.numerator, "x"), int.__format__(value.denominator, "x")]}
    if module in ("decimal", "_decimal"):
        return {"decimal": str(value)}
    return {"opaque": str(type(value).__name__)[:80]}


def _fraction(inner: Any) -> Any:
    from fractions import Fraction

    return Fraction(*(int(number, 16) for number in inner))


def _decimal(inner: Any) -> Any:
    from decimal import Decimal

    return Decimal(inner)


UNPACKERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda inner: int(inner, 16),
    "float": float.fromhex,
    "complex": lambda inner: complex(*map(float.fromhex, inner)),
    "bytes": bytes.fromhex,
    "fraction": _fraction,
    "decimal": _decimal,
    "opaque": lambda inner: Opaque(str(inner)),
}
"""By tag, what builds a value that contains no others."""


def unpack(packed: Any, unpackers: Mapping[str, Callable[[Any], Any]] = UNPACKERS) -> Any:
    """The value that `pack` was given, rebuilt from what `json` has read by `unpackers` of each tag.

    Raises:
        ValueError, TypeError, KeyError, RecursionError: it was not written by `pack`.
    """
    if packed is None or packed is True or packed is False or type(packed) is str:
        return packed
    if type(packed) is not dict or len(packed) != 1:
        raise ValueError("not a packed value")
    ((kind, inner),) = packed.items()
    if kind in _CONTAINERS:
        return _CONTAINERS[kind](unpack(one, unpackers) for one in inner)
    if kind == "dict":
        return {unpack(key, unpackers): unpack(value, unpackers) for key, value in inner}
    return unpackers[kind](inner)
