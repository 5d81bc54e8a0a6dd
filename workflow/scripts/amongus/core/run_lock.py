"""Which Snakemakes are at work in a clone, or were when they died: each claims it for as long as it runs.

Snakemake's locks do not tell: those of a dead run stay, and whichever run ends first removes those of all.
"""

import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from amongus.core.checksums import ASIDE
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.core.processes import Process, began, this_process

_FOLDER = ".snakemake"


@dataclass(frozen=True)
class Claim(Process):
    """One run's process, whether a cluster runs its jobs, and the files it makes."""

    submits: bool
    makes: Collection[str]


def claim(makes: Collection[str] = (), submits: bool = False, folder: str | Path = _FOLDER) -> None:
    """Note in `folder` that this process makes the files `makes`, and whether it submits its jobs to a cluster."""
    own = this_process()
    write_json(_file(folder, own), {**asdict(own), "submits": submits, "makes": sorted(makes)})


def release(folder: str | Path = _FOLDER) -> None:
    """Take back this process's claim, if it has made one."""
    forget(this_process(), folder)


def claims(folder: str | Path = _FOLDER) -> list[Claim]:
    """The claims of all runs that have not ended by themselves."""
    found = []
    for path in sorted(Path(folder).glob("owners/*.json")):
        try:
            found.append(Claim(**read_json(path)))
        except StudyError:
            # A run that has ended meanwhile took its own back.
            if path.exists():
                raise
    return [*found, *map(_damaged, sorted(Path(folder).glob(f"owners/*.json{ASIDE}")))]


def _damaged(path: Path) -> Claim:
    """What the name of a damaged claim tells. It may have submitted jobs; dead it is only if its process is no more."""
    host, _, pid = path.name.removesuffix(f".json{ASIDE}").rpartition("-")
    start = None if began(int(pid)) else "unknown"
    return Claim(host, int(pid), start, submits=shutil.which("squeue") is not None, makes=())


def forget(ended: Process, folder: str | Path = _FOLDER) -> None:
    """Remove the claim of a run that is no more."""
    path = _file(folder, ended)
    for name in (path.name, path.name + ASIDE):
        path.with_name(name).unlink(missing_ok=True)


def refuse_same(makes: Collection[str], folder: str | Path = _FOLDER) -> None:
    """Refuse to make files that a run which is at work here makes.

    Raises:
        StudyError: in one line, with the run's process.
    """
    for other in claims(folder):
        if other.alive and (same := sorted(set(makes) & set(other.makes))):
            raise StudyError(
                f"Snakemake is at work here (process {other.pid}) and makes {len(same)} of the same files "
                f"({same[0]}, ...): wait for it, or stop it first"
            )


def release_dead(folder: str | Path = _FOLDER) -> bool:
    """Remove the locks that runs left in `folder` when they were killed; whether there were any.

    Snakemake refuses what is locked, because it cannot know that the run is dead. Here it is known: the processes that
    claimed the folder ran on this very machine and are no more. Whose a lock is cannot be told, so none is removed
    while another run is at work, or perhaps on another machine.
    """
    found = claims(folder)
    if not found or any(run.alive is not False for run in found):
        return False
    locks = list(Path(folder).glob("locks/*.lock"))
    for lock in locks:
        lock.unlink(missing_ok=True)
    for run in found:
        # The others may have left jobs in a queue.
        if not run.submits:
            forget(run, folder)
    return bool(locks)


def _file(folder: str | Path, run: Process) -> Path:
    return Path(folder) / "owners" / f"{run.host}-{run.pid}.json"
