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

PREFILL_TOKENS = 2048
"""Prompt positions that one forward pass reads."""


class GrowingLayer(DynamicLayer):
    """A cache layer that writes new states into room it already has instead of copying everything."""

    def __init__(self) -> None:
        super().__init__()
        self._room: list[torch.Tensor] = []
        self._length = 0

    def fill(self, parts: Sequence[tuple[torch.Tensor, torch.Tensor]], length: int, room: int) -> None:
        """Take over the states of parts of the batch (keys and values), left padded to `length`."""
        self.lazy_initialization(*parts[0])
        rows = sum(keys.shape[0] for keys, _ in parts)
        self._room, self._length = [], length
        for which in (0, 1):
            _, heads, _, width = parts[0][which].shape
            # Zeros, because attention multiplies even what the mask hides.
            whole = parts[0][which].new_zeros(rows, heads, length + room, width)
            start = 0
            for part in parts:
                states = part[which]
                whole[start : start + len(states), :, length - states.shape[2] : length] = states
                start += len(states)
            self._room.append(whole)
        self.keys, self.values = (one[:, :, :length] for one in self._room)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states [batch, heads, new, width] and return all of them."""
        if not self._room:
            return super().update(key_states, value_states)
        start, self._length = self._length, self._length + key_states.shape[-2]
        keys, values = self._room
        keys[:, :, start : self._length] = key_states
        values[:, :, start : self._length] = value_states
        self.keys, self.values = keys[:, :, : self._length], values[:, :, : self._length]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows `indices`."""
        self._room = [room[indices] for room in self._room]
        self.keys, self.values = (room[:, :, : self._length] for room in self._room)


def new_cache(model: Any) -> DynamicCache:
    """An empty cache for `model`, with room to grow where a layer attends to everything."""
    cache = DynamicCache(config=model.config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class Stream:
    """The view of a batch that members on one base have: their prompts, one cache, mask and positions.

    Row `member * batch + question` of every tensor here is that member's view of that question, so that all
    members of the base share each forward pass.
    """

    def __init__(
        self, weights: Sequence[Weights], prompts: Sequence[Sequence[Sequence[int]]], room: int
    ) -> None:
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

        In pieces, because intermediate results that outgrow the processor's caches cost more than they save.
        """
        if not all(isinstance(layer, GrowingLayer) for layer in self.cache.layers):
            return self._prefill_whole()
        pieces, parts = [], []
        for weights, prompts in zip(self.weights, self.prompts, strict=True):
            for start, end in _pieces(prompts):
                cache = new_cache(self.base.model)
                some = prompts[start:end]
                ids, mask = left_padded(some, self.device)
                positions = (mask.cumsum(-1) - 1).clamp(min=0)
                padded = min(map(len, some)) < ids.shape[1]
                pieces.append(self._forward([weights], ids, mask if padded else None, positions, cache))
                parts.append(cache)
        for place, layer in enumerate(self.cache.layers if self.room else ()):
            states = [(part.layers[place].keys, part.layers[place].values) for part in parts]
            layer.fill(states, self.width, self.room)
        return torch.cat(pieces).unflatten(0, (len(self.weights), self.rows))

    def _prefill_whole(self) -> torch.Tensor:
        """In one piece, for caches that forget (sliding windows) and so cannot be put together."""
        ids, mask = left_padded([prompt for member in self.prompts for prompt in member], self.device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        logits = self._forward(self.weights, ids, mask if self.padded else None, positions, self.cache)
        return logits.unflatten(0, (len(self.weights), self.rows))

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
        """The logits [members, 1, vocabulary] after a question's prompts and `generated`, in canonical form."""
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


def left_padded(prompts: Sequence[Sequence[int]], device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and mask, both [batch, longest], zeros before the shorter prompts."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    return ids, (torch.arange(width, device=device) >= (width - lengths)[:, None]).long()


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


@dataclass
class _Batch:
    """The rows still being decoded; `rows` are their places in the batch as it began.

    `order` says where among the streams' logits, one after the other, each member's are.
    """

    streams: list[Stream]
    order: list[int]
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
    stops = torch.tensor(weights[0].base.stops, dtype=torch.int64, device=weights[0].base.device)
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
    streams, order = [], []
    for base in dict.fromkeys(one.base for one in weights):
        places = [place for place, one in enumerate(weights) if one.base is base]
        streams.append(
            Stream([weights[i] for i in places], [prompts[i] for i in places], sampling.max_new_tokens)
        )
        order += places
    device, size = streams[0].device, len(keys)
    seen = None
    if sampling.repetition_penalty != 1:
        seen = torch.zeros(size, weights[0].base.vocabulary, dtype=torch.bool, device=device)
        for row in range(size):
            seen[row, [token for stream in prompts for token in stream[row]]] = True
    return _Batch(
        streams,
        [order.index(place) for place in range(len(order))],
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
    scores = _penalised(_combined(batch, logits, combine), batch.seen, sampling)
    ids, clear = choose(scores, batch.keys, position, sampling)
    if not bool(clear.all()):
        for place in (~clear & batch.live[batch.rows]).nonzero()[:, 0].tolist():
            row = int(batch.rows[place])
            generated = batch.tokens[row, :position].tolist()
            again = [stream.canonical(row, generated) for stream in batch.streams]
            seen = None if batch.seen is None else batch.seen[place : place + 1]
            scores = _penalised(_combined(batch, again, combine), seen, sampling)
            ids[place], _ = choose(scores, batch.keys[place : place + 1], position, sampling, exact=True)
    if batch.seen is not None:
        batch.seen.scatter_(1, ids[:, None], True)
    return ids


def _combined(batch: _Batch, logits: list[torch.Tensor], combine: Combine | None) -> torch.Tensor:
    if combine is None:
        return logits[0][0]
    return combine((logits[0] if len(logits) == 1 else torch.cat(logits))[batch.order])


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
