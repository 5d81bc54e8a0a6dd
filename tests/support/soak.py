"""Faults at random times, each in a study of its own, on this machine and through Slurm.

    make soak [TRIALS=11] [SEED=1]

Each trial injects one fault and finishes the study. Then its fault must have had an effect, its tables must be those of an
undisturbed run, all checksums must hold, and at most as many answers may have been repeated as lie between two writes.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import cluster
import trials
from harness import Project

_FAULTS = [*((fault, True) for fault in trials.SLURM), *((fault, False) for fault in trials.LOCAL)]
# How often a study that was over too early is begun anew, with half the time before its fault.
_TRIES = 6


def undisturbed(folder: Path, slurm: bool) -> tuple[dict[str, bytes], float]:
    """The tables of the study, and how many seconds it took."""
    began, project = time.monotonic(), Project(folder, trials.study(slurm))
    trials.recover(project, slurm, tries=1)
    return trials.tables(project), time.monotonic() - began


def trial(folder: Path, fault: str, slurm: bool, latest: float, reference: dict[str, bytes], rng: Random) -> list[str]:
    """Inject `fault` once in the first `latest` seconds of a study; what does not hold afterwards."""
    moment = rng.uniform(0, latest)
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        run = trials.Run(Project(folder, trials.study(slurm)), slurm, trials.options(fault, rng))
        due = time.monotonic() + moment
        hit = trials.inject(run, fault, rng, lambda due=due: time.monotonic() > due)
        status = run.end()
        if slurm:
            cluster.restart_nodes()
        if hit and (status or fault not in ("sigint", "sigkill")):
            break
        moment /= 2
    else:
        return ["the study was always over before the fault"]
    found = [] if trials.shown(run, fault, status) else ["the fault had no effect"]
    if status:
        trials.recover(run.project, slurm)
    found += trials.problems(run.project, reference, kills=1)
    print(
        f"{fault:8} {'slurm' if slurm else 'here':5} after {moment:.0f} s: {'; '.join(found) or 'all holds'}",
        flush=True,
    )
    return found


def main() -> int:
    """Run all trials; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description="Inject faults into the study at random times.")
    parser.add_argument("--trials", type=int, default=len(_FAULTS))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, failed = Random(asked.seed), 0
    folder = Path(tempfile.mkdtemp(prefix="soak."))
    with cluster.started(folder / "cluster") as problem:
        if problem:
            sys.exit(f"no Slurm here: {problem}")
        tables, here = undisturbed(folder / "here", slurm=False)
        through, there = undisturbed(folder / "slurm", slurm=True)
        failed += through != tables
        print(f"undisturbed: {here:.0f} s here, {there:.0f} s through Slurm, the same tables: {not failed}", flush=True)
        for number in range(asked.trials):
            fault, slurm = _FAULTS[number % len(_FAULTS)]
            place = folder / f"trial-{number}"
            if trial(place, fault, slurm, there if slurm else here, tables, rng):
                failed += 1  # It is kept, to be looked at.
            else:
                shutil.rmtree(place)
    print(f"{failed} of {asked.trials} failed" + f", kept in {folder}" * bool(failed))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
