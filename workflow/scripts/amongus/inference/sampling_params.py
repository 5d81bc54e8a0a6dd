"""How texts are sampled: everything is explicit, nothing comes from a checkpoint's generation config."""

from dataclasses import dataclass

from amongus.core.errors import StudyError


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters; part of every answer's key.

    temperature 0 is greedy. top_k 0 and repetition_penalty 1 are off. The order is that of `transformers`:
    penalty, temperature, top-k, top-p.

    Raises:
        StudyError: a value is out of range.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 256

    def __post_init__(self) -> None:
        ranges = {
            "temperature": self.temperature >= 0,
            "top_p": 0 < self.top_p <= 1,
            "top_k": self.top_k >= 0,
            "repetition_penalty": self.repetition_penalty > 0,
            "max_new_tokens": self.max_new_tokens >= 1,
        }
        for name, good in ranges.items():
            if not good:
                raise StudyError(f"sampling.{name} = {getattr(self, name)} is out of range; fix it in the config")
