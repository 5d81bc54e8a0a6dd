"""Faults that strike a study while it runs, and what must hold once it has been run again."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pyarrow.parquet as pq

import cluster
from checkout import ROOT
from harness import Project
from micro import cut

TABLES = ("alone", "impact", "mitigation")
PROFILE = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "1")
FLUSH = 4
# These end Snakemake itself; after the others the profile for Slurm tries again by itself.
SNAKEMAKE = ("sigint", "sigkill")
LOCAL = ("payload", *SNAKEMAKE)
SLURM = ("payload", "shell", "scancel", "timeout", "memory", "node", *SNAKEMAKE)


def study(slurm: bool = False) -> dict[str, Any]:
    """The cut micro study, one text at a time and written often, so that a fault falls between two writes.

    Through Slurm each model job asks for both GPUs of a node: there is room for two of them, where three are ready.
    """
    asked = {"resources": {"gpu": 2, "gpu_model": "fake", "partition": "gpu"}} if slurm else {}
    return {**cut(), "engine": {"max_batch": 1, "flush_every": FLUSH}, **asked}


def targets(project: Project) -> list[str]:
    """The tables, as arguments of Snakemake."""
    return [f"results/{project.study['study']}/tables/{name}.csv" for name in TABLES]


def tables(project: Project) -> dict[str, bytes]:
    """The tables in all their forms; not their manifests, which name the machine, and not what the work cost.

    Nor what a killed job has left half written, under a hidden name.
    """
    files = [path for path in project.results.glob("tables/[!.]*") if path.stem != "cost"]
    return {path.name: path.read_bytes() for path in files if path.suffix != ".json"}


def twice(project: Project) -> int:
    """How many answers the store holds more than once: work that was done again although it had been written.

    Answers that a job lost before it wrote them leave no trace; they are fewer than lie between two writes.
    """
    shards = (project.folder / "results" / "store").glob("*/*.parquet")
    keys = Counter(
        key for shard in shards for key in pq.read_table(shard, columns=["key"])["key"].to_pylist()
    )
    return sum(keys.values()) - len(keys)


def damaged(project: Project) -> str:
    """What `make verify` names in the clone's results; nothing if all is whole."""
    done = call(project, "verify", "CONFIG=study.yaml")
    return done.stdout + done.stderr if done.returncode else ""


def call(project: Project, target: str, *settings: str) -> subprocess.CompletedProcess:
    """A target of the Makefile, in the clone."""
    command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/.installed", target]
    return subprocess.run(
        [*command, *settings],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )


class Run:
    """Snakemake at work on a project, in a process group of its own; `slurm`: through the profile."""

    def __init__(
        self, project: Project, slurm: bool = False, options: Iterable[str] = (), made: Iterable[str] = ()
    ) -> None:
        """Start it; `made`: the targets, else the three tables."""
        self.project, self.slurm = project, slurm
        arguments = [*(made or targets(project)), *(PROFILE if slurm else ()), *options]
        self.said = project.folder / "run.out"
        with self.said.open("a") as out:
            self.process = subprocess.Popen(
                project.command(*arguments, cores=None if slurm else 2),
                cwd=project.folder,
                env=project.environment(),
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_hear,
            )

    def until(self, condition: Callable[[], Any], seconds: float = 600) -> Any:
        """Wait until `condition` holds, and return what it gave; None if the run ends before."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            if self.process.poll() is not None:
                return None
            time.sleep(0.1)
        return found

    def end(self, seconds: float = 900) -> int:
        """Wait for the end; Snakemake's status."""
        return self.process.wait(timeout=seconds)

    def jobs(self, rule: str = "") -> list[cluster.Job]:
        """This clone's jobs that Slurm is running."""
        return [job for job in self.all_jobs() if job.end is None and job.what.startswith(rule)]

    def all_jobs(self) -> list[cluster.Job]:
        """This clone's jobs, ended ones too."""
        return [job for job in cluster.jobs() if job.name.startswith("amongus_")]

    def payloads(self) -> list[psutil.Process]:
        """The processes of the rules' scripts. Those of a run before this one, here, are none of its own."""
        mine = [
            process
            for process, line in self._processes()
            if "python" in Path(line[0]).name and any(".snakemake/scripts/" in part for part in line)
        ]
        return mine if self.slurm else [process for process in mine if self._started(process)]

    def shells(self) -> list[psutil.Process]:
        """The batch shells of Slurm's jobs."""
        return [process for process, line in self._processes() if line[-1].endswith("slurm_script")]

    def _started(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("AMONGUS_RUN", "").split(" ")[0] == str(self.process.pid)
        except psutil.Error:
            return False

    def _processes(self) -> list[tuple[psutil.Process, list[str]]]:
        """What runs in the clone, with its command line."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.cmdline() and process.cwd() == str(self.project.folder):
                    found.append((process, process.cmdline()))
            except psutil.Error:
                continue
        return found


def _hear() -> None:
    """Have a process hear Ctrl-C, which what a shell runs in the background ignores, and hands on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def strike(run: Run, fault: str, rng: Random, at: Callable[[], bool] = lambda: True) -> str | None:
    """Let `fault` befall `run` as soon as `at()` holds and there is something to befall.

    Returns:
        What was struck, or None if the run ended before.
    """
    return run.until(lambda: at() and _FAULTS[fault](run, rng))


def _payload(run: Run, rng: Random) -> str | None:
    return _kill(run.payloads(), rng)


def _shell(run: Run, rng: Random) -> str | None:
    return _kill(run.shells(), rng)


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
    jobs = run.jobs()
    if not jobs:
        return None
    victim = rng.choice(jobs)
    return victim.what if cluster.cancel(victim) else None


def _timeout(run: Run, rng: Random) -> str | None:
    """Stop a payload, as if it hung, and let its job end after a minute, the shortest time that Slurm knows."""
    for victim in rng.sample(found := run.payloads(), len(found)):
        try:
            victim.suspend()
            job = victim.environ()["SLURM_JOB_ID"]
        except (psutil.Error, KeyError):
            continue
        subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=1"], check=True)
        return f"process {victim.pid} of job {job}"
    return None


def _memory(run: Run, rng: Random) -> str | None:
    """Nothing more: this run was given too little from its start, see `options`."""
    return "from the start"


def _node(run: Run, rng: Random) -> str | None:
    jobs = run.jobs()
    if not jobs:
        return None
    node = rng.choice(jobs).node
    cluster.kill_node(node)
    return node


def _sigint(run: Run, rng: Random) -> str | None:
    """As Ctrl-C: the whole group of the terminal."""
    os.killpg(run.process.pid, signal.SIGINT)
    return f"process {run.process.pid}"


def _sigkill(run: Run, rng: Random) -> str | None:
    """Snakemake alone; what it started is left to itself."""
    run.process.kill()
    return f"process {run.process.pid}"


_FAULTS = {
    "payload": _payload,
    "shell": _shell,
    "scancel": _scancel,
    "timeout": _timeout,
    "memory": _memory,
    "node": _node,
    "sigint": _sigint,
    "sigkill": _sigkill,
}


def befell(run: Run, fault: str, status: int) -> bool:
    """Whether a fault that was struck has shown: in Snakemake's `status`, or in how Slurm ended one of its jobs."""
    if fault == "timeout":
        return "TIMEOUT" in {job.state for job in run.all_jobs()}
    if fault == "memory":
        return bool(cluster.over_memory() & {job.id for job in run.all_jobs()})
    # Of a run through Slurm that tries again by itself nothing else is seen at its end.
    return status != 0 or (run.slurm and fault not in SNAKEMAKE)


def options(fault: str, rng: Random) -> list[str]:
    """What the run to be struck is started with: too little memory for a job at first, enough when it is tried again."""
    if fault != "memory":
        return []
    rule = rng.choice(["train", "respond_y.seed-1", "collaborate_clean.llm_router.seed-1"])
    return ["--set-resources", f"{rule}:mem_mb=300*attempt"]


def recover(project: Project, slurm: bool = False, tries: int = 3, made: Iterable[str] = ()) -> None:
    """Cancel what is left, unlock, and run again, until all is made: the targets `made`, else the three tables."""
    for _ in range(tries):
        if slurm:
            subprocess.run(["scancel", "--me"], check=True)
        project.snakemake("--unlock")
        run = Run(project, slurm, made=made)
        if run.end(seconds=3600) == 0:
            return
    raise AssertionError(f"not made after {tries} runs: {run.said.read_text()[-5000:]}{project.logs()}")


def problems(project: Project, reference: dict[str, bytes], kills: int) -> list[str]:
    """What does not hold after a recovery; empty if all is well."""
    found = []
    if tables(project) != reference:
        found.append("the tables differ")
    if (again := twice(project)) > kills * FLUSH:
        found.append(
            f"{again} answers were made twice, after {kills} faults with {FLUSH} answers between writes"
        )
    if named := damaged(project):
        found.append(f"damaged: {named}")
    return found
