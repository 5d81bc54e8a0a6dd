"""The next token as a pure function of (logits, key, position), and whether rounding could have changed it.

Sampling is an argmax over scores with keyed Gumbel noise (Gumbel 1954; Maddison et al. 2014, "A* sampling",
section 2), so there is no random state that depends on what else is in the batch. What remains is rounding:
the same row's logits differ in their last bits with batch size, padding and cache. A choice is *clear* when
no change of the logits by less than TAU / 2 could make it another; the caller decides the other rows again
from logits computed in one canonical form.
"""

import torch

from amongus.inference.sampling_params import Sampling

TAU = 1e-4
"""Gap between two logits below which their order is uncertain (float32 rounding is about 1e-6 to 1e-5)."""

SHORTLIST = 32
"""Candidates considered first; rows whose nucleus is larger are sorted whole."""

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15
_MIX_1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
_MIX_2 = -7723592293110705685  # 0x94D049BB133111EB


def choose(
    logits: torch.Tensor, keys: torch.Tensor, position: int, sampling: Sampling, exact: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose a token per row: ids [batch] int64, and clear [batch] bool.

    Args:
        logits: [batch, vocabulary], float32.
        keys: [batch], int64: each request's random stream.
        position: index of the new token in the text; the same for all rows.
        sampling: parameters; the repetition penalty is already applied.
        exact: decide from the whole sorted row, for canonical logits.
    """
    if sampling.temperature == 0:
        top = logits.topk(min(2, logits.shape[-1]))
        clear = top.values[:, 0] - top.values[:, -1] > TAU if logits.shape[-1] > 1 else _all_true(keys)
        # Ties in canonical logits go to the smallest id, whatever topk prefers.
        return (logits.argmax(-1) if exact else top.indices[:, 0]), clear
    noise_key = _mix(keys ^ _wrap((position + 1) * _GOLDEN))
    width = logits.shape[-1]
    size = min(max(SHORTLIST, 2 * sampling.top_k), width)
    if exact or (sampling.top_k == 0 and sampling.top_p == 1) or size == width:
        return _choose_whole(logits, noise_key, sampling)
    values, ids = logits.topk(size)
    whole = (logits / sampling.temperature).logsumexp(-1, keepdim=True).double()
    values = values.double()
    mass = (values / sampling.temperature - whole).exp()
    chosen, clear, covered = _decide(values, ids, mass, noise_key, sampling)
    open_rows = (~covered).nonzero()[:, 0]
    if open_rows.numel():
        chosen[open_rows], clear[open_rows] = _choose_whole(logits[open_rows], noise_key[open_rows], sampling)
    return chosen, clear


def gumbel(noise_key: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Standard Gumbel noise, float64: noise_key [batch] int64, ids [batch, n] int64 -> [batch, n]."""
    bits = _mix(_mix(noise_key[:, None] ^ (ids + 1) * _GOLDEN))
    uniform = (_shift(bits, 11).double() + 0.5) * 2.0**-53
    return -(-uniform.log()).log()


def _choose_whole(
    logits: torch.Tensor, noise_key: torch.Tensor, sampling: Sampling
) -> tuple[torch.Tensor, torch.Tensor]:
    values, ids = logits.double().sort(dim=-1, descending=True, stable=True)
    chosen, clear, _ = _decide(values, ids, (values / sampling.temperature).softmax(-1), noise_key, sampling)
    return chosen, clear


def _decide(
    values: torch.Tensor, ids: torch.Tensor, mass: torch.Tensor, noise_key: torch.Tensor, sampling: Sampling
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Decide from candidates sorted by falling logit, with their probabilities `mass`; all [batch, n].

    Ids, clear, and covered: whether no token outside the candidates could have been drawn.
    """
    inside, possible, certain, covered = _nucleus(values, mass, sampling)
    scores = values / sampling.temperature + gumbel(noise_key, ids)
    winner = scores.masked_fill(~inside, -torch.inf).argmax(-1, keepdim=True)
    best = scores.gather(-1, winner)
    rivals = scores.masked_fill(~possible, -torch.inf).scatter(-1, winner, -torch.inf).amax(-1, keepdim=True)
    clear = certain.gather(-1, winner) & (best - rivals > TAU / sampling.temperature)
    return ids.gather(-1, winner)[:, 0], clear[:, 0], covered


def _nucleus(
    values: torch.Tensor, mass: torch.Tensor, sampling: Sampling
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Which candidates top-k and top-p keep: as computed, at most, and at least under rounding."""
    size = values.shape[-1]
    inside = torch.ones_like(values, dtype=torch.bool)
    possible = certain = inside
    covered = _all_true(values[:, 0])
    if 0 < sampling.top_k < size:
        inside = torch.arange(size, device=values.device).expand_as(values) < sampling.top_k
        possible = values > values[:, sampling.top_k - 1 : sampling.top_k] - TAU
        certain = values >= values[:, sampling.top_k : sampling.top_k + 1] + TAU
        covered = ~possible[:, -1]
        mass = mass * inside
        mass = mass / mass.sum(-1, keepdim=True)
    if sampling.top_p < 1:
        before = mass.cumsum(-1) - mass
        margin = TAU / sampling.temperature
        inside = inside & (before < sampling.top_p)
        # A token is certainly out if tokens that are certainly ahead of it fill the nucleus.
        most = (before < sampling.top_p + margin).sum(-1, keepdim=True)
        at_most = values > values.gather(-1, most - 1) - TAU
        # At least one: the first is in whatever the margin.
        least = (before < sampling.top_p - margin).sum(-1, keepdim=True).clamp(min=1)
        at_least = values >= values.gather(-1, least.clamp(max=size - 1)) + TAU
        certain = certain & (at_least | (least == size))
        possible = possible & at_most
        covered = ~possible[:, -1]
    return inside, possible, certain, covered


def _all_true(rows: torch.Tensor) -> torch.Tensor:
    return torch.ones(rows.shape[0], dtype=torch.bool, device=rows.device)


def _wrap(number: int) -> int:
    """A Python integer wrapped as in int64 arithmetic."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _shift(bits: torch.Tensor, by: int) -> torch.Tensor:
    """Logical shift right of int64."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _mix(bits: torch.Tensor) -> torch.Tensor:
    """The finaliser of splitmix64 (Steele et al. 2014) on int64, which wraps as uint64 does."""
    bits = (bits ^ _shift(bits, 30)) * _MIX_1
    bits = (bits ^ _shift(bits, 27)) * _MIX_2
    return bits ^ _shift(bits, 31)
