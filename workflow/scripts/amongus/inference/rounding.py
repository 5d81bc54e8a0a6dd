"""Logits and rewards on a grid, which hides the last bits of a batched forward pass.

A value too near the middle between two grid points is computed again in canonical form before it is rounded.
"""

from collections.abc import Sequence
from math import isfinite

GRID = 1e-3
"""Distance between two neighbouring values."""

SLACK = 4e-5
"""Distance from a rounding boundary within which a batched value is not trusted (float32: 1e-6 to 1e-5)."""


def doubtful(values: Sequence[float]) -> bool:
    """Whether rounding error could move one of `values` to another grid point."""
    return any(abs(value / GRID % 1 - 0.5) < SLACK / GRID for value in values)


def to_grid(values: Sequence[float]) -> list[float]:
    """The nearest grid points; values that are not finite stay, for the caller to count as unreadable."""
    return [round(value / GRID) * GRID if isfinite(value) else value for value in values]
