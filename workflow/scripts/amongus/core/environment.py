"""The machine and the libraries that a job runs on: what a cost sidecar and a table's manifest say of them.

Nothing here is imported that a job has not imported itself, and nothing starts a GPU.
"""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate", "tokenizers", "safetensors", "numpy", "scipy")

_GPUS = Path("/proc/driver/nvidia/gpus")


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
