"""Members' views of a batch: prompts read in pieces, then a token per step, left padded, one cache per base.

`canonical` is the form that decides where rounding could change a token: one row, no padding, no cache.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from amongus.inference.loading import Weights

PREFILL_TOKENS = 2048
"""Prompt positions that one forward pass reads."""


class Stream:
    """The view of a batch that members on one base have: their prompts, one cache, mask and positions.

    Row `member * batch + question` of every tensor here is that member's view of that question, so that all
    members of the base share each forward pass.
    """

    def __init__(self, weights: Sequence[Weights], prompts: Sequence[Sequence[Sequence[int]]], room: int) -> None:
        self.weights = weights
        self.prompts = prompts
        self.base = weights[0].base
        self.rows = len(prompts[0])
        self.device = self.base.device
        self.room = room
        self.steps = 0
        lengths = [len(prompt) for member in prompts for prompt in member]
        self.width = max(lengths)
        self.padded = min(lengths) < self.width
        self.lengths = torch.tensor(lengths, device=self.device)
        columns = torch.arange(self.width + room, device=self.device)
        self.mask = (columns >= (self.width - self.lengths)[:, None]).long()
        self.cache = new_cache(self.base.model)

    def prefill(self) -> torch.Tensor:
        """The logits after the prompts, [members, batch, vocabulary].

        In pieces, because intermediate results larger than the processor's caches are slower; in one piece with caches
        that drop positions (sliding windows) and cannot be joined.
        """
        if all(isinstance(layer, GrowingLayer) for layer in self.cache.layers):
            logits = self._prefill_in_pieces()
        else:
            logits = self._read(self.weights, [prompt for member in self.prompts for prompt in member], self.cache)
        return logits.unflatten(0, (len(self.weights), self.rows))

    def _prefill_in_pieces(self) -> torch.Tensor:
        pieces, parts = [], []
        for weights, prompts in zip(self.weights, self.prompts, strict=True):
            for start, end in _pieces(prompts):
                cache = new_cache(self.base.model)
                pieces.append(self._read([weights], prompts[start:end], cache))
                parts.append(cache)
        for place, layer in enumerate(self.cache.layers if self.room else ()):
            states = [(part.layers[place].keys, part.layers[place].values) for part in parts]
            layer.fill(states, self.width, self.room)
        return torch.cat(pieces)

    def _read(self, weights: Sequence[Weights], prompts: Sequence[Sequence[int]], cache: DynamicCache) -> torch.Tensor:
        """The logits [prompts, vocabulary] after prompts, whose states fill an empty cache."""
        ids, mask, positions = left_padded(prompts, self.device)
        return self._forward(weights, ids, mask, positions, cache)

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits [members, batch, vocabulary] after one more token per question, ids [batch]."""
        positions = (self.lengths + self.steps)[:, None]
        self.steps += 1
        mask = self.mask[:, : self.width + self.steps] if self.padded else None
        repeated = ids.repeat(len(self.weights))[:, None]
        logits = self._forward(self.weights, repeated, mask, positions, self.cache)
        return logits.unflatten(0, (len(self.weights), self.rows))

    def keep(self, questions: torch.Tensor) -> None:
        """Keep only some questions of the batch."""
        members = torch.arange(len(self.weights), device=self.device)
        rows = (members[:, None] * self.rows + questions).flatten()
        self.rows = len(questions)
        self.cache.batch_select_indices(rows)
        self.mask, self.lengths = self.mask[rows], self.lengths[rows]

    def canonical(self, question: int, generated: Sequence[int]) -> torch.Tensor:
        """The canonical logits [members, 1, vocabulary] after a question's prompts and `generated`."""
        return torch.stack(
            [
                canonical(weights, prompts[question], generated)
                for weights, prompts in zip(self.weights, self.prompts, strict=True)
            ]
        )

    def _forward(
        self,
        weights: Sequence[Weights],
        ids: torch.Tensor,
        mask: torch.Tensor | None,
        positions: torch.Tensor,
        cache: DynamicCache,
    ) -> torch.Tensor:
        rows = len(ids) // len(weights)
        with self.base.active(weights, rows, start=ids.shape[1] - 1) as model:
            output = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return output.logits[:, -1, : self.base.vocabulary].float()


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


def left_padded(
    prompts: Sequence[Sequence[int]], device: Any
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Token ids with zeros before the shorter prompts, their mask and positions, each [batch, longest].

    There is no mask where all are of one length: models are faster without.
    """
    width = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    mask = (torch.arange(width, device=device) >= (width - lengths)[:, None]).long()
    padded = min(map(len, prompts)) < width
    return ids, mask if padded else None, (mask.cumsum(-1) - 1).clamp(min=0)


def _pieces(prompts: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Consecutive prompts in pieces of about PREFILL_TOKENS positions, padding included."""
    pieces, start, width = [], 0, 0
    for place, prompt in enumerate(prompts):
        width = max(width, len(prompt))
        if place > start and (place + 1 - start) * width > PREFILL_TOKENS:
            pieces.append((start, place))
            start, width = place, len(prompt)
    return [*pieces, (start, len(prompts))]


@torch.inference_mode()
def canonical(weights: Weights, prompt: Sequence[int], generated: Sequence[int] = ()) -> torch.Tensor:
    """Logits [1, vocabulary] from one forward pass: batch of one, no padding, no cache.

    Steering acts on the prompt's last position and all later ones, as it does step by step.
    """
    ids = torch.tensor([[*prompt, *generated]], device=weights.base.device)
    with weights.base.active([weights], 1, start=len(prompt) - 1) as model:
        output = model(input_ids=ids, use_cache=False, logits_to_keep=1)
    return output.logits[:, -1, : weights.base.vocabulary].float()


@torch.inference_mode()
def next_logits(weights: Weights, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
    """The logits [batch, vocabulary] after each prompt, batched."""
    return Stream([weights], [prompts], 0).prefill()[0]
