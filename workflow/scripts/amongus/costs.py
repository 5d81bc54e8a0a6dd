"""What a job cost: a small JSON beside its outputs, gathered into cost.csv."""

from collections.abc import Mapping
from pathlib import Path

from amongus.files import write_json

COUNTS = ("model_loads", "prompts_asked", "prompts_generated", "prompt_tokens", "new_tokens", "seconds")


def write_cost(path: str | Path, rule: str, *parts: Mapping[str, float]) -> None:
    """Write the sum of `parts` (counts and seconds; what is missing counts zero) as the job's cost."""
    write_json(path, {"rule": rule, **{key: sum(part.get(key, 0) for part in parts) for key in COUNTS}})
