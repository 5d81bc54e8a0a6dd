"""One decode loop for one or many members: in lockstep, cached; rows that finish leave the batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from amongus.inference.loading import Weights
from amongus.inference.sampler import choose
from amongus.inference.sampling_params import Sampling
from amongus.inference.streams import Stream

Combine = Callable[[torch.Tensor], torch.Tensor]
"""Many members' logits [members, batch, vocabulary] to one [batch, vocabulary]."""


@dataclass
class _Batch:
    """The rows still being decoded; `rows` are their places in the original batch.

    `order` is each member's place in the concatenated logits of the streams.
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
    """Decode one text per row: its token ids without the one that stopped it, and `stop` or `length`.

    Args:
        weights: of each member.
        prompts: per member, per row, token ids.
        keys: per row, its random stream in [0, 2**63).
        sampling: parameters.
        combine: reduces the members' logits to one; None for a single member.
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
    weights: Sequence[Weights], prompts: Sequence[Sequence[Sequence[int]]], keys: Sequence[int], sampling: Sampling
) -> _Batch:
    streams, order = [], []
    for base in dict.fromkeys(one.base for one in weights):
        places = [place for place, one in enumerate(weights) if one.base is base]
        streams.append(Stream([weights[i] for i in places], [prompts[i] for i in places], sampling.max_new_tokens))
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
    """Record the tokens; a row that stopped is no longer live."""
    live = batch.live[batch.rows]
    stopping = torch.isin(ids, stops) & live
    going = live & ~stopping
    batch.tokens[batch.rows, position] = ids
    batch.lengths[batch.rows] += going
    batch.stopped[batch.rows] |= stopping
    batch.live[batch.rows] = going


def _drop_finished(batch: _Batch, ids: torch.Tensor) -> torch.Tensor:
    """Shrink the batch where that pays: dropping rows copies the cache, so not for every single one."""
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
