"""The cost of a job and its machine: a small JSON beside its outputs, collected into cost.csv and manifests.

Nothing here is imported that a job has not imported itself, and nothing starts a GPU.
"""

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amongus.core.json_files import write_json

COUNTS = ("model_loads", "prompts_asked", "prompts_generated", "prompt_tokens", "new_tokens", "seconds")
_LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate", "tokenizers", "safetensors", "numpy", "scipy")

_GPUS = Path("/proc/driver/nvidia/gpus")


def write_cost(path: str | Path, rule: str, *parts: Mapping[str, float]) -> None:
    """Write the sum of `parts` (counts and seconds; missing ones are 0) as the job's cost."""
    sums = {key: sum(part.get(key, 0) for part in parts) for key in COUNTS}
    write_json(path, {"rule": rule, **sums, "machine": machine()})


def machine() -> dict[str, Any]:
    """System, processor, cores this job may use, memory (GiB), GPUs by name, threads, and versions of what is loaded."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _after_colon(Path("/proc/cpuinfo"), "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        # Those that the driver lists, whether or not this job may use them.
        "gpus": [_after_colon(file, "Model") or "unknown" for file in sorted(_GPUS.glob("*/information"))],
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES if name in sys.modules},
    }


def _after_colon(path: Path, key: str) -> str:
    """What follows the first `key :` in a file of the kernel's; empty where there is none."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key) and ":" in line), "")
