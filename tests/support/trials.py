"""Faults injected into a study while it runs, and what must hold once it has been run again."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import psutil
import pyarrow.parquet as pq

import cluster
import micro
from checkout import ROOT
from harness import Project

TABLES = ("alone", "impact", "mitigation")
PROFILE = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "1")
FLUSH = 4
LOCAL = ("payload", "sigint", "sigkill")
SLURM = ("payload", "shell", "scancel", "timeout", "memory", "node", "sigint", "sigkill")


def study(slurm: bool = False) -> dict[str, Any]:
    """The micro study cut to one model, attacker, dataset and method: from training to tables in 24 jobs.

    One text at a time and written often, so that a fault falls between two writes. Through Slurm each model job asks
    for both GPUs of a node: there is room for two of them, where three are ready.
    """
    asked = {"resources": {"gpu": 2, "gpu_model": "fake", "partition": "gpu"}} if slurm else {}
    return micro.study(
        datasets={"reasoning": micro.STUDY["datasets"]["reasoning"]},
        models=micro.models("base"),
        # Under one prompt they would share their answers, and work done twice could not be told.
        members={"x": {"model": "base"}, "y": {"model": "base", "persona": "placebo"}},
        attackers={"steering": micro.STUDY["attackers"]["steering"] | {"datasets": ["reasoning"]}},
        pools={"clean": ["x", "y"], "steering": ["x", "steering"]},
        supervisors={},
        methods={"llm_router": micro.STUDY["methods"]["llm_router"] | {"defences": ["self"]}},
        engine={"max_batch": 1, "flush_every": FLUSH},
        **asked,
    )


class Run:
    """Snakemake running the tables of a project, in a process group of its own; `slurm`: through the profile."""

    def __init__(self, project: Project, slurm: bool = False, options: Iterable[str] = ()) -> None:
        """Start it."""
        self.project, self.slurm, self.log = project, slurm, project.folder / "run.out"
        targets = [f"results/{project.study['study']}/tables/{name}.csv" for name in TABLES]
        arguments = [*targets, *(PROFILE if slurm else ()), *options]
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                project.command(*arguments, cores=None if slurm else 2),
                cwd=project.folder,
                env=project.environment(),
                stdout=out,
                stderr=out,
                start_new_session=True,
                # A shell has what it runs in the background ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def until(self, condition: Callable[[], Any], seconds: float = 900) -> Any:
        """Wait until `condition` holds and return its value; None if the run ends before."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            if self.process.poll() is not None:
                return None
            time.sleep(0.1)
        return found

    def end(self, seconds: float = 1800) -> int:
        """Wait for the end; Snakemake's status."""
        return self.process.wait(timeout=seconds)

    def all_jobs(self) -> list[cluster.Job]:
        """The clone's jobs in Slurm, ended ones too."""
        return cluster.jobs(self.project.folder)

    def jobs(self, rule: str = "") -> list[cluster.Job]:
        """Those that are running."""
        return [job for job in self.all_jobs() if job.end is None and job.what.startswith(rule)]

    def payloads(self) -> list[psutil.Process]:
        """The processes of the rules' scripts; through Slurm those of its jobs, without local rules'."""
        found = self._processes(lambda line: any(".snakemake/scripts/" in part for part in line[1:]))
        return [one for one in found if _slurm_job(one)] if self.slurm else found

    def shells(self) -> list[psutil.Process]:
        """The batch shells of Slurm's jobs."""
        return self._processes(lambda line: line[-1].endswith("slurm_script"))

    def _processes(self, wanted: Callable[[list[str]], bool]) -> list[psutil.Process]:
        """What runs in the clone with such a command line; a shell that starts a script is not meant."""
        processes = psutil.process_iter(["cmdline", "cwd"])
        here = [one for one in processes if one.info["cwd"] == str(self.project.folder) and one.info["cmdline"]]
        return [one for one in here if wanted(one.info["cmdline"]) and one.info["cmdline"][1] != "-c"]


# -- faults --------------------------------------------------------------------------------------------


def inject(run: Run, fault: str, rng: Random, at: Callable[[], bool] = lambda: True) -> str | None:
    """Inject `fault` as soon as `at()` holds and there is something to hit; what was hit, None if the run ended before."""
    return run.until(lambda: at() and _FAULTS[fault](run, rng))


def _kill(processes: list[psutil.Process], rng: Random) -> str | None:
    if not processes:
        return None
    victim = rng.choice(processes)
    try:
        victim.kill()
    except psutil.Error:
        return None
    return f"process {victim.pid}"


def _scancel(run: Run, rng: Random) -> str | None:
    if not (jobs := run.jobs()):
        return None
    victim = rng.choice(jobs)
    return victim.what if subprocess.run(["scancel", str(victim.id)]).returncode == 0 else None


def _timeout(run: Run, rng: Random) -> str | None:
    """Stop a payload, as if it hung, and let its job end after a minute, the shortest time that Slurm knows."""
    for victim in run.payloads():
        job = _slurm_job(victim)
        try:
            victim.suspend()
        except psutil.Error:
            continue
        subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=1"], check=True)
        return f"process {victim.pid} of job {job}"
    return None


def _slurm_job(process: psutil.Process) -> str | None:
    """The Slurm job that a process belongs to; None if it has ended, or belongs to none."""
    try:
        return process.environ().get("SLURM_JOB_ID")
    except psutil.Error:
        return None


def _memory(run: Run, rng: Random) -> str | None:
    """Nothing more: this run was started with too little, see `options`."""
    return "from the start"


def _node(run: Run, rng: Random) -> str | None:
    if not (jobs := run.jobs()):
        return None
    node = rng.choice(jobs).node
    cluster.kill_node(node)
    return node


def _sigint(run: Run, rng: Random) -> str | None:
    """As Ctrl-C: the whole group of the terminal."""
    os.killpg(run.process.pid, signal.SIGINT)
    return "Snakemake"


def _sigkill(run: Run, rng: Random) -> str | None:
    """Snakemake alone."""
    run.process.kill()
    return "Snakemake"


_FAULTS: dict[str, Callable[[Run, Random], str | None]] = {
    "payload": lambda run, rng: _kill(run.payloads(), rng),
    "shell": lambda run, rng: _kill(run.shells(), rng),
    "scancel": _scancel,
    "timeout": _timeout,
    "memory": _memory,
    "node": _node,
    "sigint": _sigint,
    "sigkill": _sigkill,
}


def options(fault: str, rng: Random) -> list[str]:
    """What the run is started with: for `memory` too little at first, enough when the job is tried again."""
    rule = rng.choice(["train", "respond", "collaborate"])
    return ["--set-resources", f"{rule}:mem_mb=300*attempt**2"] if fault == "memory" else []


def shown(run: Run, fault: str, status: int) -> bool:
    """Whether an injected fault had its effect: on Snakemake's `status`, or on how Slurm ended one of its jobs."""
    if fault == "timeout":
        return "TIMEOUT" in {job.state for job in run.all_jobs()}
    if fault == "memory":
        return bool(cluster.over_memory() & {job.id for job in run.all_jobs()})
    # Through Slurm the profile tries again, and nothing else is seen at the end.
    return status != 0 or (run.slurm and not fault.startswith("sig"))


# -- afterwards ----------------------------------------------------------------------------------------


def recover(project: Project, slurm: bool = False, tries: int = 3) -> None:
    """Run again until the tables are made, after the commands of docs/slurm.md."""
    for _ in range(tries):
        unlock(project, slurm)
        run = Run(project, slurm)
        if run.end(seconds=3600) == 0:
            return
    raise AssertionError(f"not made after {tries} runs: {run.log.read_text()[-5000:]}{project.logs()}")


def unlock(project: Project, cancel: bool = False) -> None:
    """Remove the locks of a killed Snakemake; `cancel` the jobs that it has left in Slurm before, by its run's name."""
    if cancel:
        names = subprocess.run(["squeue", "--me", "--noheader", "--format=%j"], capture_output=True, text=True)
        for name in set(names.stdout.split()):
            subprocess.run(["scancel", "--me", f"--name={name}"], check=True)
    project.snakemake("--unlock")


def tables(project: Project) -> dict[str, bytes]:
    """The tables in all their forms; not manifests, which name the machine, nor what a killed job left unfinished."""
    files = [path for path in project.results.glob("tables/[!.]*") if path.stem in TABLES]
    return {path.name: path.read_bytes() for path in files if path.suffix != ".json"}


def repeated(project: Project) -> int:
    """How many answers are in the answer cache more than once: work repeated although it had been written."""
    shards = (project.folder / "results" / "store").glob("*/*.parquet")
    keys = Counter(key for shard in shards for key in pq.read_table(shard, columns=["key"])["key"].to_pylist())
    return keys.total() - len(keys)


def problems(project: Project, reference: dict[str, bytes], kills: int) -> list[str]:
    """What does not hold after a recovery; empty if all is well."""
    found = []
    if tables(project) != reference:
        found.append("the tables differ")
    if (count := repeated(project)) > kills * FLUSH:
        found.append(f"{count} answers were repeated, after {kills} faults and {FLUSH} answers a write")
    command = ["make", "-f", str(ROOT / "Makefile"), "-o", ".venv/.installed", "verify", "CONFIG=study.yaml"]
    done = subprocess.run(command, cwd=project.folder, env=project.environment(), capture_output=True, text=True)
    return [*found, *([f"damaged: {done.stdout}{done.stderr}"] if done.returncode else [])]
