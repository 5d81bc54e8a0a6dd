"""The machine and the libraries that a job runs on: what a cost sidecar and a table's manifest say of them.

Nothing here is imported that a job has not imported itself, and nothing starts a GPU.
"""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate", "tokenizers", "safetensors", "numpy", "scipy")


def machine() -> dict[str, Any]:
    """System, processor, cores this job may use, memory (GiB), GPUs by name, threads, and versions of what is loaded."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _after_colon(Path("/proc/cpuinfo"), "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "gpus": _gpus(),
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in _LIBRARIES if name in sys.modules},
    }


def _gpus() -> list[str]:
    """The GPUs that the driver lists, whether or not this job may use them."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return [_after_colon(file, "Model") or "unknown" for file in files]


def _after_colon(path: Path, key: str) -> str:
    """What stands after the first `key :` of a file of the kernel's; empty where there is none."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key) and ":" in line), "")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
