"""Thirty faults at random times, half on this machine and half through Slurm, each in a study of its own.

    make soak [TRIALS=30] [SEED=1]

Before them the whole micro study runs once on this machine and once through Slurm: the same tables, byte for byte. Every
trial ends when the study is made; then its fault must have shown, its tables must be those of a run that nothing befell,
every checksum must hold, and per fault at most as many answers may lie twice in the store as lie between two writes.
"""

import argparse
import copy
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import cluster
import trials
from harness import Project
from micro import STUDY

# Moments at which one study after the other is struck, each half of the one before, until there is something to strike.
_TRIES = 6


def timed(make: Callable[[], None]) -> float:
    """How long `make` took, in seconds."""
    began = time.monotonic()
    make()
    return time.monotonic() - began


def whole(folder: Path) -> bool:
    """Whether the whole micro study gives the same tables, all of them, through Slurm as here."""
    made = {}
    for name, slurm in (("here", False), ("slurm", True)):
        project = Project(folder / name, copy.deepcopy(STUDY))
        took = timed(lambda: trials.recover(project, slurm, tries=1, made=["tables"]))  # noqa: B023 - called at once
        made[name] = trials.tables(project)
        print(f"whole micro study, {name}: {took:.0f} s, {trials.twice(project)} answers twice", flush=True)
    same = made["here"] == made["slurm"]
    print(f"  {len(made['here'])} files of tables, {'the same' if same else 'NOT the same'}", flush=True)
    return same


def strike(
    folder: Path, fault: str, slurm: bool, moment: float, rng: Random
) -> tuple[trials.Run, int, str | None]:
    """A study of its own, struck after `moment` seconds: its run, Snakemake's status, what was struck if anything."""
    run = trials.Run(Project(folder, trials.study(slurm)), slurm, trials.options(fault, rng))
    began = time.monotonic()
    struck = trials.strike(run, fault, rng, lambda: time.monotonic() - began > moment)
    status = run.end()
    if slurm:
        cluster.mend_nodes()
    return run, status, struck


def trial(
    folder: Path, fault: str, slurm: bool, lasts: float, reference: dict[str, bytes], rng: Random
) -> bool:
    """A study, struck once at a random time of the seconds it `lasts`; whether it was, and all held afterwards.

    Where the study was over before, another one is struck earlier.
    """
    where = "slurm" if slurm else "here"
    first = rng.uniform(0, lasts)
    for moment in (first / 2**earlier for earlier in range(_TRIES)):
        run, status, struck = strike(folder, fault, slurm, moment, rng)
        if struck and (status or fault not in trials.SNAKEMAKE):
            break
        print(f"{fault:8} {where:5} at {moment:.0f} s: over before; again, earlier", flush=True)
        shutil.rmtree(folder)
    else:
        return False
    found = [] if trials.befell(run, fault, status) else ["the fault has not shown"]
    if status:
        trials.recover(run.project, slurm)
    found += trials.problems(run.project, reference, kills=1)
    told = f"at {moment:.0f} s: {struck}; status {status}, {trials.twice(run.project)} answers twice"
    print(f"{fault:8} {where:5} {told}: {'; '.join(found) or 'all holds'}", flush=True)
    if not found:
        # What went wrong is kept to be looked at.
        shutil.rmtree(folder)
    return not found


def main() -> int:
    """Run all trials; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description="Strike the study with faults at random times.")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-whole", action="store_true", help="leave the whole micro study out")
    asked = parser.parse_args()
    rng = Random(asked.seed)
    folder = Path(tempfile.mkdtemp(prefix="soak."))
    with cluster.started(folder) as problem:
        if problem:
            print(f"no Slurm here: {problem}")
            return 1
        held = [] if asked.without_whole else [whole(folder / "whole")]
        reference = Project(folder / "reference", trials.study())
        here = timed(lambda: trials.recover(reference, tries=1))
        through = Project(folder / "slurm", trials.study(slurm=True))
        there = timed(lambda: trials.recover(through, slurm=True, tries=1))
        tables = trials.tables(reference)
        held.append(trials.tables(through) == tables)
        print(f"the cut study: {here:.0f} s here, {there:.0f} s through Slurm", flush=True)
        for number in range(asked.trials):
            slurm = bool(number % 2)
            faults = trials.SLURM if slurm else trials.LOCAL
            fault = faults[number // 2 % len(faults)]
            place = folder / f"trial-{number}"
            held.append(trial(place, fault, slurm, there if slurm else here, tables, rng))
    print(f"{sum(held)} of {len(held)} held; what did not is kept in {folder}")
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
