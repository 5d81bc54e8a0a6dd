"""The cost of a job and its machine: a small JSON beside its outputs, collected into cost.csv and manifests."""

from collections.abc import Mapping
from pathlib import Path

from amongus.core.environment import machine
from amongus.core.json_files import write_json

COUNTS = ("model_loads", "prompts_asked", "prompts_generated", "prompt_tokens", "new_tokens", "seconds")


def write_cost(path: str | Path, rule: str, *parts: Mapping[str, float]) -> None:
    """Write the sum of `parts` (counts and seconds; missing ones are 0) as the job's cost."""
    sums = {key: sum(part.get(key, 0) for part in parts) for key in COUNTS}
    write_json(path, {"rule": rule, **sums, "machine": machine()})
