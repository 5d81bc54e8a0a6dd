"""Claims of runs that are not the test's own process."""

import socket
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from amongus.core import run_lock
from amongus.core.json_files import write_json
from amongus.core.run_lock import Claim

DEAD = 2**22 + 1  # More than Linux numbers processes.


def claimed(
    folder: str | Path = ".snakemake",
    host: str | None = None,
    pid: int = DEAD,
    began: str | None = "1",
    submits: bool = False,
    makes: Collection[str] = (),
) -> Path:
    """Claim `folder` for a run: one that died on this machine, if nothing else is said. Returns the claim's file."""
    claim = Claim(host or socket.gethostname(), pid, began, submits, [*makes])
    path = run_lock._file(folder, claim)
    write_json(path, asdict(claim))
    return path
