"""One decode loop for one or many streams: lockstep, cached, left padded; rows that finish leave the batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from amongus.engine.choose import choose
from amongus.engine.models import Weights
from amongus.engine.sampling import Sampling

Combine = Callable[[torch.Tensor], torch.Tensor]
"""Many streams' logits [streams, batch, vocabulary] to one [batch, vocabulary]."""

_ROOM = 64
"""Positions by which a cache grows: it is copied once in so many steps."""


class GrowingLayer(DynamicLayer):
    """A cache layer that writes new states into room it already has instead of copying everything."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Start empty, with the states' type and place."""
        super().lazy_initialization(key_states, value_states)
        self.length = 0
        self._room: list[torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states [batch, heads, new, width] and return all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, self.length = self.length, self.length + key_states.shape[-2]
        if self._room is None or self.length > self._room[0].shape[-2]:
            self._room = [
                _with_room(old if start else None, new, self.length + _ROOM)
                for old, new in ((self.keys, key_states), (self.values, value_states))
            ]
        keys, values = self._room
        keys[:, :, start : self.length] = key_states
        values[:, :, start : self.length] = value_states
        self.keys, self.values = keys[:, :, : self.length], values[:, :, : self.length]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows `indices`."""
        if self.is_initialized and self._room is not None:
            self._room = [room[indices] for room in self._room]
            self.keys, self.values = (room[:, :, : self.length] for room in self._room)


def _with_room(old: torch.Tensor | None, new: torch.Tensor, length: int) -> torch.Tensor:
    room = new.new_empty(*new.shape[:2], length, new.shape[-1])
    if old is not None:
        room[:, :, : old.shape[-2]] = old
    return room


def new_cache(model: Any) -> DynamicCache:
    """An empty cache for `model`, growing where a layer attends to everything."""
    cache = DynamicCache(config=model.config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class Stream:
    """One member's view of a batch: its weights, prompts, cache, mask and positions."""

    def __init__(self, weights: Weights, prompts: Sequence[Sequence[int]], room: int) -> None:
        self.weights = weights
        self.prompts = prompts
        self.device = next(weights.base.model.parameters()).device
        self.width = max(len(prompt) for prompt in prompts)
        padded = [[0] * (self.width - len(prompt)) + list(prompt) for prompt in prompts]
        self.ids = torch.tensor(padded, device=self.device)
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self.device)
        columns = torch.arange(self.width + room, device=self.device)
        self.mask = (columns >= (self.width - lengths)[:, None]).long()
        self.lengths = lengths
        self.padded = bool((lengths < self.width).any())
        self.cache = new_cache(weights.base.model)
        self.steps = 0

    def prefill(self) -> torch.Tensor:
        """The logits after the prompts, [batch, vocabulary]."""
        positions = (self.mask[:, : self.width].cumsum(-1) - 1).clamp(min=0)
        return self._forward(self.ids, positions)

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits after one more token per row, ids [batch]."""
        self.steps += 1
        return self._forward(ids[:, None], (self.lengths + (self.steps - 1))[:, None])

    def keep(self, rows: torch.Tensor) -> None:
        """Keep only `rows` of the batch."""
        self.cache.batch_select_indices(rows)
        self.mask, self.lengths = self.mask[rows], self.lengths[rows]

    def canonical(self, row: int, generated: Sequence[int]) -> torch.Tensor:
        """The logits [1, vocabulary] after row `row`'s prompt and `generated`, in canonical form."""
        return canonical(self.weights, self.prompts[row], generated)

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        mask = self.mask[:, : self.width + self.steps] if self.padded else None
        with self.weights.active(start=ids.shape[1] - 1) as model:
            output = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return output.logits[:, -1, : self.weights.base.vocabulary].float()


@torch.inference_mode()
def canonical(weights: Weights, prompt: Sequence[int], generated: Sequence[int] = ()) -> torch.Tensor:
    """Logits [1, vocabulary] from one forward pass: batch of one, no padding, no cache.

    Steering acts on the prompt's last position and all later ones, as it does step by step.
    """
    device = next(weights.base.model.parameters()).device
    ids = torch.tensor([[*prompt, *generated]], device=device)
    with weights.active(start=len(prompt) - 1) as model:
        output = model(input_ids=ids, use_cache=False, logits_to_keep=1)
    return output.logits[:, -1, : weights.base.vocabulary].float()


@torch.inference_mode()
def next_logits(weights: Weights, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
    """The logits [batch, vocabulary] after each prompt, batched."""
    return Stream(weights, prompts, 0).prefill()


@dataclass
class _Batch:
    """The rows still being decoded; `rows` are their places in the batch as it began."""

    streams: list[Stream]
    keys: torch.Tensor
    rows: torch.Tensor
    seen: torch.Tensor | None
    tokens: torch.Tensor
    lengths: torch.Tensor
    stopped: torch.Tensor
    live: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.live = torch.ones_like(self.stopped)


@torch.inference_mode()
def decode(
    weights: Sequence[Weights],
    prompts: Sequence[Sequence[Sequence[int]]],
    keys: Sequence[int],
    sampling: Sampling,
    combine: Combine | None = None,
) -> list[tuple[list[int], str]]:
    """Decode one text per row.

    Args:
        weights: per stream.
        prompts: per stream, per row, token ids.
        keys: per row, its random stream in [0, 2**63).
        sampling: parameters.
        combine: how streams' logits become one; None for a single stream.

    Returns:
        Per row its token ids without the one that stopped it, and `stop` or `length`.
    """
    stops = torch.tensor(weights[0].base.stops, device=next(weights[0].base.model.parameters()).device)
    batch = _begin(weights, prompts, keys, sampling)
    logits = [stream.prefill() for stream in batch.streams]
    for position in range(sampling.max_new_tokens):
        ids = _next(batch, logits, combine, position, sampling)
        _record(batch, ids, stops, position)
        if position + 1 == sampling.max_new_tokens or not bool(batch.live.any()):
            break
        ids = _drop_finished(batch, ids)
        logits = [stream.step(ids) for stream in batch.streams]
    texts = batch.tokens.tolist()
    return [
        (text[:length], "stop" if stopped else "length")
        for text, length, stopped in zip(texts, batch.lengths.tolist(), batch.stopped.tolist(), strict=True)
    ]


def _begin(
    weights: Sequence[Weights],
    prompts: Sequence[Sequence[Sequence[int]]],
    keys: Sequence[int],
    sampling: Sampling,
) -> _Batch:
    streams = [Stream(one, rows, sampling.max_new_tokens) for one, rows in zip(weights, prompts, strict=True)]
    device, size = streams[0].device, len(keys)
    seen = None
    if sampling.repetition_penalty != 1:
        seen = torch.zeros(size, weights[0].base.vocabulary, dtype=torch.bool, device=device)
        for row in range(size):
            seen[row, [token for stream in prompts for token in stream[row]]] = True
    return _Batch(
        streams,
        torch.tensor(keys, dtype=torch.int64, device=device),
        torch.arange(size, device=device),
        seen,
        torch.zeros(size, sampling.max_new_tokens, dtype=torch.int64, device=device),
        torch.zeros(size, dtype=torch.int64, device=device),
        torch.zeros(size, dtype=torch.bool, device=device),
    )


def _next(
    batch: _Batch, logits: list[torch.Tensor], combine: Combine | None, position: int, sampling: Sampling
) -> torch.Tensor:
    """The next token of each row [batch]; rows that rounding could change are decided canonically."""
    scores = _penalised(_combined(logits, combine), batch.seen, sampling)
    ids, clear = choose(scores, batch.keys, position, sampling)
    if not bool(clear.all()):
        for place in (~clear & batch.live[batch.rows]).nonzero()[:, 0].tolist():
            row = int(batch.rows[place])
            generated = batch.tokens[row, :position].tolist()
            again = [stream.canonical(row, generated) for stream in batch.streams]
            seen = None if batch.seen is None else batch.seen[place : place + 1]
            scores = _penalised(_combined(again, combine), seen, sampling)
            ids[place], _ = choose(scores, batch.keys[place : place + 1], position, sampling, exact=True)
    if batch.seen is not None:
        batch.seen.scatter_(1, ids[:, None], True)
    return ids


def _combined(logits: list[torch.Tensor], combine: Combine | None) -> torch.Tensor:
    return logits[0] if combine is None else combine(torch.stack(logits))


def _penalised(logits: torch.Tensor, seen: torch.Tensor | None, sampling: Sampling) -> torch.Tensor:
    """Repetition penalty (Keskar et al. 2019, section 4.1) on tokens of prompt and text."""
    if seen is None:
        return logits
    penalty = sampling.repetition_penalty
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def _record(batch: _Batch, ids: torch.Tensor, stops: torch.Tensor, position: int) -> None:
    """Write the tokens down; a row that stopped is live no more."""
    live = batch.live[batch.rows]
    stopping = torch.isin(ids, stops) & live
    going = live & ~stopping
    batch.tokens[batch.rows, position] = ids
    batch.lengths[batch.rows] += going
    batch.stopped[batch.rows] |= stopping
    batch.live[batch.rows] = going


def _drop_finished(batch: _Batch, ids: torch.Tensor) -> torch.Tensor:
    """Shrink the batch where that pays: a cache is copied to drop rows, so not for every single one."""
    live = batch.live[batch.rows]
    alive = int(live.sum())
    if alive > 0.85 * len(ids):
        return ids
    places = live.nonzero()[:, 0]
    for stream in batch.streams:
        stream.keep(places)
    batch.keys, batch.rows = batch.keys[places], batch.rows[places]
    if batch.seen is not None:
        batch.seen = batch.seen[places]
    return ids[places]
