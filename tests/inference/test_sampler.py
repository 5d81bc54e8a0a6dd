"""The choice of a token: distribution, a slow reference, and clear only where rounding cannot matter."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from amongus.inference.sampler import TAU, choose, gumbel
from amongus.inference.sampling_params import Sampling

MASK = (1 << 64) - 1


def splitmix(x: int) -> int:
    """The published finaliser, in Python integers."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def kept(row: list[float], sampling: Sampling) -> list[int]:
    """Token ids that top-k and top-p keep, by the book."""
    scores = [value / sampling.temperature for value in row]
    order = sorted(range(len(row)), key=lambda token: -scores[token])
    order = order[: sampling.top_k or len(row)]
    weights = [math.exp(scores[token] - scores[order[0]]) for token in order]
    before, result = 0.0, []
    for token, weight in zip(order, weights, strict=True):
        if before / sum(weights) < sampling.top_p:
            result.append(token)
        before += weight
    return result


def test_noise_is_the_published_hash():
    key, token = 12345, 7
    bits = splitmix(splitmix((key ^ (token + 1) * 0x9E3779B97F4A7C15) & MASK))
    expected = -math.log(-math.log(((bits >> 11) + 0.5) * 2.0**-53))
    found = gumbel(torch.tensor([key]), torch.tensor([[token]]))
    assert found.item() == pytest.approx(expected, rel=1e-12)


SAMPLINGS = [
    *(Sampling(), Sampling(temperature=1, top_p=1), Sampling(top_k=3), Sampling(temperature=1e-3)),
    *(Sampling(temperature=1.5, top_k=40, top_p=0.5), Sampling(temperature=3, top_p=0.99)),
]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_choice_is_the_best_perturbed_score_within_the_nucleus(sampling):
    logits = torch.randn(20, 90, generator=torch.Generator().manual_seed(0)) * 2
    keys = torch.arange(20) * 7919
    ids, _ = choose(logits, keys, 4, sampling)
    exact, _ = choose(logits, keys, 4, sampling, exact=True)
    assert ids.tolist() == exact.tolist()
    mixed = [splitmix(key ^ (5 * 0x9E3779B97F4A7C15 & MASK)) for key in keys.tolist()]
    signed = torch.tensor([number - (1 << 64) if number >> 63 else number for number in mixed])
    noise = gumbel(signed, torch.arange(90).expand(20, 90)).tolist()
    for row, chosen in enumerate(ids.tolist()):
        values = logits[row].tolist()
        best = max(kept(values, sampling), key=lambda t: values[t] / sampling.temperature + noise[row][t])
        assert chosen == best


def test_frequencies_are_the_nucleus_probabilities():
    logits = torch.tensor([[2.0, 1.0, 0.5, -1.0, -3.0]]).expand(20000, 5)
    sampling = Sampling(temperature=0.7, top_p=0.9)
    ids, _ = choose(logits, torch.arange(20000), 0, sampling)
    inside = kept(logits[0].tolist(), sampling)
    weights = torch.tensor([math.exp(logits[0, token].item() / 0.7) for token in inside])
    counts = torch.bincount(ids, minlength=5)[inside] / 20000
    assert set(ids.tolist()) == set(inside)
    assert (counts - weights / weights.sum()).abs().max() < 0.012


def test_keys_and_positions_are_separate_streams():
    logits = torch.zeros(2, 400)
    sampling = Sampling(temperature=1, top_p=1)
    rows = [choose(logits, torch.tensor([1, 2]), position, sampling)[0].tolist() for position in range(40)]
    assert len({row[0] for row in rows}) > 30 and sum(a == b for a, b in rows) < 5


def test_greedy_takes_the_largest_and_doubts_ties():
    logits = torch.tensor([[0.0, 3.0, 1.0], [2.0, 2.0 + TAU / 2, 0.0], [1.0, 1.0, 0.0]])
    ids, clear = choose(logits, torch.zeros(3, dtype=torch.int64), 0, Sampling(temperature=0))
    assert ids[0] == 1 and clear.tolist() == [True, False, False]
    exact, _ = choose(logits, torch.zeros(3, dtype=torch.int64), 0, Sampling(temperature=0), exact=True)
    assert exact.tolist() == [1, 1, 0]


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    temperature=st.sampled_from([0.0, 0.05, 0.7, 1.0, 2.0]),
    top_p=st.sampled_from([0.3, 0.9, 1.0]),
    top_k=st.sampled_from([0, 1, 5]),
    grain=st.sampled_from([TAU, 1e-2, 1.0]),
)
def test_a_clear_choice_survives_any_rounding(seed, temperature, top_p, top_k, grain):
    """Logits on a coarse grid make ties and edges of the nucleus common."""
    sampling = Sampling(temperature=temperature, top_p=top_p, top_k=top_k)
    generator = torch.Generator().manual_seed(seed)
    logits = (torch.randn(40, 50, generator=generator) * 3 / grain).round() * grain
    logits[:, 10:20] = logits[:, :10]
    keys = torch.randint(0, 2**62, (40,), generator=generator)
    ids, clear = choose(logits, keys, 1, sampling)
    for _ in range(4):
        # Slightly less than TAU / 2, because adding in float32 rounds too.
        shifted = logits + (torch.rand(40, 50, generator=generator) * 2 - 1) * TAU * 0.49
        again, _ = choose(shifted, keys, 1, sampling, exact=True)
        assert (ids == again)[clear].all()


@pytest.mark.parametrize("top_p", [0.49998, 0.5, 0.50002])
def test_the_edge_of_the_nucleus_is_not_clear(top_p):
    """Two tokens at .5 and .4: with top-p about .5 the second is in or out by a hair."""
    logits = torch.tensor([[0.5, 0.4, 0.1]]).log().expand(400, 3).contiguous()
    ids, clear = choose(logits, torch.arange(400), 0, Sampling(temperature=1, top_p=top_p))
    assert not clear.all() and clear.any()
    away, sure = choose(logits, torch.arange(400), 0, Sampling(temperature=1, top_p=0.45))
    assert sure.all() and (away == 0).all()
    assert (ids[clear] == 0).all()


def test_open_rows_are_rare_on_ordinary_logits():
    logits = torch.randn(5000, 300, generator=torch.Generator().manual_seed(1)) * 4
    _, clear = choose(logits, torch.arange(5000), 0, Sampling())
    assert clear.float().mean() > 0.99
