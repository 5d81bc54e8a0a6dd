"""How texts are sampled: everything is explicit, nothing comes from a checkpoint's generation config."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters; part of every answer's key. The config checks their ranges.

    temperature 0 is greedy. top_k 0 and repetition_penalty 1 are off. The order is that of `transformers`:
    penalty, temperature, top-k, top-p.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 256
