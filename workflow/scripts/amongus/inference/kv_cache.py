"""Caches of keys and values that are not copied for every token."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer


class GrowingLayer(DynamicLayer):
    """A cache layer that writes new states into preallocated memory instead of copying everything."""

    def __init__(self) -> None:
        super().__init__()
        self._buffers: list[torch.Tensor] = []
        self._length = 0

    def fill(self, parts: Sequence[tuple[torch.Tensor, torch.Tensor]], length: int, room: int) -> None:
        """Copy the states of parts of the batch (keys and values), left padded to `length`."""
        self.lazy_initialization(*parts[0])
        rows = sum(keys.shape[0] for keys, _ in parts)
        self._buffers, self._length = [], length
        for which in (0, 1):
            _, heads, _, width = parts[0][which].shape
            # Zeros, because attention multiplies masked positions too.
            whole = parts[0][which].new_zeros(rows, heads, length + room, width)
            start = 0
            for part in parts:
                states = part[which]
                whole[start : start + len(states), :, length - states.shape[2] : length] = states
                start += len(states)
            self._buffers.append(whole)
        self.keys, self.values = (one[:, :, :length] for one in self._buffers)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states [batch, heads, new, width] and return all of them."""
        if not self._buffers:
            return super().update(key_states, value_states)
        start, self._length = self._length, self._length + key_states.shape[-2]
        keys, values = self._buffers
        keys[:, :, start : self._length] = key_states
        values[:, :, start : self._length] = value_states
        self.keys, self.values = keys[:, :, : self._length], values[:, :, : self._length]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows `indices`."""
        self._buffers = [buffer[indices] for buffer in self._buffers]
        self.keys, self.values = (buffer[:, :, : self._length] for buffer in self._buffers)


def new_cache(model: Any) -> DynamicCache:
    """An empty cache for `model`, with room to grow where a layer attends to everything."""
    cache = DynamicCache(config=model.config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
