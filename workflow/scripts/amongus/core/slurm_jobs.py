"""This clone's jobs in Slurm: known by their names, and dealt with when the Snakemake that submitted them is dead."""

import argparse
import getpass
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from amongus.core.errors import StudyError
from amongus.core.run_lock import claims, forget

# Between two looks at the queue, in seconds.
_PAUSE = 1.0
# How long jobs that were cancelled may take to end, in seconds: Slurm lets them clean up for half a minute.
_ENDING = 60.0
_SHOWN = 10


@dataclass(frozen=True)
class SlurmJob:
    """A job that is queued, running or ending.

    `what` is the plugin's comment, the rule and its wildcards; `run` the Snakemake's process, if its name says so.
    """

    id: str
    state: str
    what: str
    run: int | None

    def __str__(self) -> str:
        return f"{self.id} ({self.what.removeprefix('rule_')}, {self.state.lower()})"


def prefix(folder: str | Path = ".") -> str:
    """The beginning of the names of the jobs that runs in `folder` submit; in profiles/slurm the process follows it."""
    return "amongus-" + sha256(str(Path(folder).resolve()).encode()).hexdigest()[:12]


def queued(folder: str | Path = ".") -> list[SlurmJob]:
    """This user's jobs that runs in `folder` have submitted and that have not ended.

    Raises:
        StudyError: the queue cannot be asked.
    """
    form = "%i|%j|%T|%k"
    # Those in partitions that are hidden too.
    done = _call("squeue", "--all", "--noheader", f"--user={getpass.getuser()}", f"--format={form}")
    rows = [line.split("|", 3) for line in done.splitlines() if line.count("|") >= 3]
    named = re.compile(rf"{prefix(folder)}(?:-(\d+))?_")
    return [
        SlurmJob(number, state, what, int(ours[1]) if ours[1] else None)
        for number, name, state, what in rows
        if (ours := named.match(name))
    ]


def refuse_leftover(submits: bool = False, folder: str | Path = ".") -> None:
    """Refuse to start where Slurm jobs of a dead run would write the same files.

    A run that is still at work keeps its jobs; cancelled ones are waited for. Who `submits` asks Slurm in any case,
    others where a claim says so.

    Raises:
        StudyError: in one line, with the mend.
    """
    state = Path(folder) / ".snakemake"
    ended = [run for run in claims(state) if run.submits and not run.alive]
    deadline = time.monotonic() + _ENDING
    while left := _of_none_alive(folder) if ended or submits else []:
        if any(job.state != "COMPLETING" for job in left) or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE)
    if left:
        raise StudyError(
            f"Slurm jobs of an earlier run are still there: {_names(left)}; "
            "`make reap` cancels them, `make reap WAIT=1` waits for them"
        )
    for run in ended:
        if run.alive is False:
            forget(run, state)


def _of_none_alive(folder: str | Path) -> list[SlurmJob]:
    """The queued jobs of no run that is at work here."""
    jobs = queued(folder)
    # Read afterwards: a run has claimed the clone before it submits.
    living = {run.pid for run in claims(Path(folder) / ".snakemake") if run.alive}
    return [job for job in jobs if job.run not in living]


def jobs_behind(folder: str | Path = ".") -> bool:
    """Whether jobs that this process has submitted are still in the queue, or may be: Slurm does not answer."""
    try:
        return any(job.run == os.getpid() for job in queued(folder))
    except StudyError:
        return True


def leftover(folder: str | Path = ".", force: bool = False) -> list[SlurmJob]:
    """The jobs that dead runs in `folder` have left. `force` says that those which began on another machine are dead.

    Raises:
        StudyError: all jobs are those of a run at work here, or perhaps on another machine, or the queue cannot be
            asked.
    """
    found = claims(Path(folder) / ".snakemake")
    living = {run.pid for run in found if run.alive}
    elsewhere = set() if force else {run.pid for run in found if run.alive is None}
    jobs = queued(folder)
    left = [job for job in jobs if job.run not in living | elsewhere]
    if left or not jobs:
        return left
    if any(job.run in elsewhere for job in jobs):
        raise StudyError(
            "a run here began on another machine, and from here nobody can tell whether it is dead: "
            "run this there, or, if it is, `make reap FORCE=1`"
        )
    raise StudyError("Snakemake is running here, and these are its jobs: stop it first (Ctrl-C cancels them)")


def forget_elsewhere(folder: str | Path = ".") -> None:
    """Remove the claims of runs that began on another machine."""
    state = Path(folder) / ".snakemake"
    for run in claims(state):
        if run.alive is None:
            forget(run, state)


def reap(left: list[SlurmJob], folder: str | Path = ".", wait: bool = False, seconds: float = 300) -> None:
    """Cancel the jobs that `leftover` found, or `wait` for them; return when they are gone.

    Raises:
        StudyError: the queue cannot be asked, or a cancelled job is still there after `seconds`.
    """
    if left and not wait:
        _call("scancel", *(job.id for job in left))
    known = {job.id for job in left}
    deadline = time.monotonic() + seconds
    while left := [job for job in queued(folder) if job.id in known]:
        if not wait and time.monotonic() > deadline:
            raise StudyError(f"cancelled, but still there after {seconds:.0f} s: {_names(left)}")
        time.sleep(_PAUSE)


def main(arguments: list[str]) -> int:
    """`make reap`: say what is found, deal with it, say that it is done."""
    parser = argparse.ArgumentParser(
        description="Cancel the Slurm jobs that a dead run of this clone has left."
    )
    parser.add_argument("--wait", action="store_true", help="let them end instead")
    parser.add_argument("--force", action="store_true", help="runs that began on another machine are dead")
    options = parser.parse_args(arguments)
    try:
        left = leftover(force=options.force)
        if left:
            print(f"{'Waiting for' if options.wait else 'Cancelling'} {_names(left)} ...", flush=True)
        reap(left, wait=options.wait)
        if options.force:
            forget_elsewhere()
    except StudyError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    done = "have ended" if options.wait else "are cancelled"
    print(
        f"{len(left)} Slurm jobs of an earlier run {done}; none is left."
        if left
        else "No Slurm job is left here."
    )
    return 0


def _names(jobs: list[SlurmJob]) -> str:
    """The first jobs in words."""
    more = [f"and {len(jobs) - _SHOWN} more"] if len(jobs) > _SHOWN else []
    return ", ".join([*map(str, jobs[:_SHOWN]), *more])


def _call(*command: str) -> str:
    """What `command` prints.

    Raises:
        StudyError: it is not there, or fails.
    """
    # The user's settings of these commands hide jobs.
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("SQUEUE_", "SCANCEL_"))}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=plain)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StudyError(f"{command[0]}: {error}; run this where Slurm's commands are") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or done.returncode
        raise StudyError(f"{command[0]} failed ({said}); run this where Slurm answers")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
