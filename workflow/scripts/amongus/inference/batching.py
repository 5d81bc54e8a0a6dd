"""Batches of similar lengths, under a budget of tokens, because padding is computed and discarded."""

from collections.abc import Iterator, Sequence


def batches(lengths: Sequence[int], batch_tokens: int, max_batch: int) -> Iterator[list[int]]:
    """Batches of indices into `lengths` (tokens), longest first, so that memory runs out at once or never.

    A batch has at most `max_batch` items and `batch_tokens` tokens, padding included; an item longer than that is a
    batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    start = 0
    while start < len(order):
        longest = max(lengths[order[start]], 1)
        end = start + max(1, min(max_batch, batch_tokens // longest))
        yield order[start:end]
        start = end
