"""What a table was made from and where: `tables/{table}.manifest.json`, written by the table's own job.

Gathered when the job runs, with the config as validated, and passed by no rule's params, so that neither a commit nor
another machine makes a table stale; nothing reads it but people, figures and `make verify`. It is no part of byte
identity.
"""

import datetime
import json
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from amongus.core.checksums import hash_file
from amongus.core.damage import damaged, missing
from amongus.core.hashing import canonical
from amongus.core.json_files import read_json, write_json
from amongus.core.snakemake_job import Job
from amongus.report.cost_sidecars import machine

MANIFEST = ".manifest.json"
_SIDECARS = "seed-*/costs/*/*.json"


def write_manifest(job: Job) -> None:
    """Write the manifest of the table that `job`, the `snakemake` object of its script, has made."""
    path = Path(job.output.manifest)
    outputs = sorted({str(output) for output in job.output} - {str(path)})
    engine = job.config.get("engine", {})
    write_json(
        path,
        {
            "table": path.name.removesuffix(MANIFEST),
            "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "config": dict(job.config),
            "design": job.params.get("design"),
            "seeds": job.config.get("seeds", []),
            "engine": {"backend": "transformers", **{key: engine.get(key) for key in ("device", "dtype")}},
            "code": {"digest": job.params.get("code"), **revision(Path(__file__).parent)},
            "packages": {dist.metadata["Name"]: dist.version for dist in distributions() if dist.metadata["Name"]},
            "machine": machine(),
            "jobs_of_models": _machines(path.parent.parent.glob(_SIDECARS)),
            "inputs": {str(file): hash_file(file) for file in job.input},
            "outputs": {Path(file).name: hash_file(file) for file in outputs},
        },
    )


def check_table(path: str | Path, manifest: str | Path) -> None:
    """Hold a table against its manifest.

    Raises:
        StudyError: one of them is missing, or damaged and now moved aside.
    """
    path = Path(path)
    if not path.exists():
        raise missing(path)
    if hash_file(path) != read_json(manifest)["outputs"].get(path.name):
        raise damaged(path, "checksum differs from its manifest's")


def revision(folder: Path) -> dict[str, Any]:
    """The git revision of the code in `folder`, and whether its files differ from it; None where git does not know."""
    commit = _git(folder, "rev-parse", "HEAD")
    # Files that git does not track are a study's own, and the code's digest covers those that are used.
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", ":/") if commit else None
    return {"revision": commit, "dirty": None if changes is None else bool(changes)}


def _machines(sidecars: Iterable[Path]) -> list[dict[str, Any]]:
    """The different machines that the study's jobs ran on so far, each with the number of its jobs by rule."""
    jobs: dict[bytes, Counter] = defaultdict(Counter)
    for path in sorted(sidecars):
        # No inputs of the table: a job that runs again meanwhile may have removed one.
        with suppress(FileNotFoundError, ValueError):
            cost = json.loads(path.read_bytes())
            jobs[canonical(cost.get("machine", {}))][cost["rule"]] += 1
    return [{**json.loads(where), "jobs": dict(sorted(rules.items()))} for where, rules in jobs.items()]


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
