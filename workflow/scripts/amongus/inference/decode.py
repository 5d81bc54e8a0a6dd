"""One decode loop for one or many members: in lockstep, cached; rows that finish leave the batch."""

from collections.abc import Callable, Sequence

import torch

from amongus.inference.loading import Weights
from amongus.inference.sampler import choose
from amongus.inference.sampling_params import Sampling
from amongus.inference.streams import Stream

Combine = Callable[[torch.Tensor], torch.Tensor]
"""Many members' logits [members, batch, vocabulary] to one [batch, vocabulary]."""


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
    batch = _Batch(weights, prompts, keys, sampling, combine)
    logits = [stream.prefill() for stream in batch.streams]
    for position in range(sampling.max_new_tokens):
        ids = batch.choose(logits, position)
        batch.record(ids, position)
        if position + 1 == sampling.max_new_tokens or not bool(batch.live.any()):
            break
        ids = batch.drop_finished(ids)
        logits = [stream.step(ids) for stream in batch.streams]
    return [
        (text[:length], "stop" if stopped else "length")
        for text, length, stopped in zip(
            batch.tokens.tolist(), batch.lengths.tolist(), batch.stopped.tolist(), strict=True
        )
    ]


class _Batch:
    """The rows still being decoded; `rows` are their places in the original batch."""

    def __init__(
        self,
        weights: Sequence[Weights],
        prompts: Sequence[Sequence[Sequence[int]]],
        keys: Sequence[int],
        sampling: Sampling,
        combine: Combine | None,
    ) -> None:
        self.sampling, self.combine = sampling, combine
        self.streams: list[Stream] = []
        order: list[int] = []
        for base in dict.fromkeys(one.base for one in weights):
            places = [place for place, one in enumerate(weights) if one.base is base]
            own = [weights[place] for place in places]
            self.streams.append(Stream(own, [prompts[place] for place in places], sampling.max_new_tokens))
            order += places
        # Each member's place in the concatenated logits of the streams.
        self.order = [order.index(place) for place in range(len(order))]
        base, size = weights[0].base, len(keys)
        # Where two bases share a vocabulary, one may lack rows for its last tokens.
        self.vocabulary = min(one.base.vocabulary for one in weights)
        self.keys = torch.tensor(keys, dtype=torch.int64, device=base.device)
        self.rows = torch.arange(size, device=base.device)
        self.seen: torch.Tensor | None = None
        if sampling.repetition_penalty != 1:
            self.seen = torch.zeros(size, self.vocabulary, dtype=torch.bool, device=base.device)
            for row in range(size):
                self.seen[row, [token for member in prompts for token in member[row]]] = True
        stops = sorted({stop for one in weights for stop in one.base.stops})
        self.stops = torch.tensor(stops, dtype=torch.int64, device=base.device)
        self.tokens = torch.zeros(size, sampling.max_new_tokens, dtype=torch.int64, device=base.device)
        self.lengths = torch.zeros(size, dtype=torch.int64, device=base.device)
        self.stopped = torch.zeros(size, dtype=torch.bool, device=base.device)
        self.live = torch.ones_like(self.stopped)

    def choose(self, logits: list[torch.Tensor], position: int) -> torch.Tensor:
        """The next token of each row [batch]; rows that rounding could change are decided canonically."""
        scores = _penalised(self._combined(logits), self.seen, self.sampling)
        ids, clear = choose(scores, self.keys, position, self.sampling)
        if not bool(clear.all()):
            for place in (~clear & self.live[self.rows]).nonzero()[:, 0].tolist():
                row = int(self.rows[place])
                generated = self.tokens[row, :position].tolist()
                again = [stream.canonical(row, generated) for stream in self.streams]
                seen = None if self.seen is None else self.seen[place : place + 1]
                scores = _penalised(self._combined(again), seen, self.sampling)
                ids[place], _ = choose(scores, self.keys[place : place + 1], position, self.sampling, exact=True)
        if self.seen is not None:
            self.seen.scatter_(1, ids[:, None], True)
        return ids

    def _combined(self, logits: list[torch.Tensor]) -> torch.Tensor:
        if self.combine is None:
            return logits[0][0]
        if len(logits) == 1:
            return self.combine(logits[0][self.order])
        return self.combine(torch.cat([one[..., : self.vocabulary] for one in logits])[self.order])

    def record(self, ids: torch.Tensor, position: int) -> None:
        """Record the tokens; a row that stopped is no longer live."""
        live = self.live[self.rows]
        stopping = torch.isin(ids, self.stops) & live
        going = live & ~stopping
        self.tokens[self.rows, position] = ids
        self.lengths[self.rows] += going
        self.stopped[self.rows] |= stopping
        self.live[self.rows] = going

    def drop_finished(self, ids: torch.Tensor) -> torch.Tensor:
        """Shrink the batch where that pays: dropping rows copies the cache, so not for every single one."""
        live = self.live[self.rows]
        if int(live.sum()) > 0.85 * len(ids):
            return ids
        places = live.nonzero()[:, 0]
        for stream in self.streams:
            stream.keep(places)
        self.keys, self.rows = self.keys[places], self.rows[places]
        if self.seen is not None:
            self.seen = self.seen[places]
        return ids[places]


def _penalised(logits: torch.Tensor, seen: torch.Tensor | None, sampling: Sampling) -> torch.Tensor:
    """Repetition penalty (Keskar et al. 2019, section 4.1) on tokens of prompt and text."""
    if seen is None:
        return logits
    penalty = sampling.repetition_penalty
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)
