"""Checks of the machine: GPUs, processors, memory, disk, the sandbox, libraries, the store's folder."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

from amongus import sandbox
from amongus.cli.doctor.findings import Finding, missing, note, ok
from amongus.cli.estimate import fetched, plan
from amongus.cli.sizes import gigabytes
from amongus.core.errors import StudyError
from amongus.core.gpus import gpus_per_job, visible
from amongus.scoring.libraries import installed, of_scored_code
from amongus.study import plugins
from amongus.study.study import Study


def graphics(study: Study) -> list[Finding]:
    """As many GPUs as one job asks for, and room on each for the largest checkpoint."""
    wanted = max([gpus_per_job(study.config), *(one.gpus for one in plan(study).trainings)])
    if not wanted:
        return [ok("no job asks for a GPU")]
    seen = len(visible())
    if not seen:
        return [
            missing(
                f"{wanted} GPU(s) for a job, and none is seen here",
                "run it where there are some (--profile slurm), or set engine: {device: cpu} and resources: {gpu: 0}",
            )
        ]
    if seen < wanted:
        mend = "set resources: {gpu: …}, or run it where there are more"
        return [missing(f"{wanted} GPU(s) for a job, and {seen} seen here", mend), *graphics_memory(study)]
    return [ok(f"{seen} GPU(s) seen, a job asks for {wanted} at most"), *graphics_memory(study)]


def graphics_memory(study: Study) -> list[Finding]:
    """The smallest GPU's memory beside the largest checkpoint, where nvidia-smi tells."""
    sizes = gpu_gigabytes()
    if not sizes:
        return [note("nvidia-smi does not tell how much memory the GPUs have", "look that checkpoints fit")]
    # A full fine-tune is twice as large on disk, and loaded in the precision of its base.
    loaded = [name for name in study.trained if not study.trained_spec(name).get("full")]
    largest = max((gigabytes(study, name) for name in (*fetched(study), *loaded)), default=0)
    line = f"{min(sizes):.0f} GB on a GPU, and the largest checkpoint has {largest:g} GB"
    if min(sizes) < largest:
        return [missing(line, "use larger GPUs, or a smaller model")]
    if min(sizes) < 1.5 * largest:
        return [note(line, "lower engine: {batch_tokens: …} if memory runs out")]
    return [ok(line)]


def gpu_gigabytes() -> list[float]:
    """The memory of each GPU in GB; nothing where nvidia-smi does not answer."""
    line = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(line, capture_output=True, text=True, timeout=20, check=True).stdout
        return [int(size) * 2**20 / 1e9 for size in said.split()]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []


def processors(study: Study) -> list[Finding]:
    """Processors for a job's threads, and memory for a job; trainings may ask for more than the others."""
    jobs = {"a job": study.config["resources"]}
    jobs |= {
        f"training {name}": study.training_resources(name) for name in (*study.trained, *study.extracted)
    }
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    findings = []
    for key, have, line in (
        ("threads", len(os.sched_getaffinity(0)), "{} processors, and {} has {} threads"),
        ("mem_mb", memory, "{} MB of memory, and {} asks for {}"),
    ):
        wanted, who = max(((asked[key], who) for who, asked in jobs.items()), key=lambda one: one[0])
        below = "" if who == "a job" else f"trainings: {{{who.removeprefix('training ')}: {{"
        mend = f"set resources: {{{below}{key}: …}}{'}}' * bool(below)}, or run it where there is more"
        told = line.format(have, who, wanted)
        findings.append(ok(told) if have >= wanted else missing(told, mend))
    return findings


def disk(study: Study) -> list[Finding]:
    """Room for what the plan expects."""
    wanted = sum(plan(study).disk.values())
    place = next(
        path for path in (Path(study.paths.root), *Path(study.paths.root).absolute().parents) if path.exists()
    )
    free = shutil.disk_usage(place).free / 1e9
    line = f"{free:,.1f} GB free for {study.paths.root}, and the plan expects {wanted:,.1f} GB"
    if free >= wanted:
        return [ok(line)]
    return [missing(line, "make room, or let results be a link to a larger disk")]


def isolation(study: Study) -> list[Finding]:
    """A sandbox, where answers are run to score them."""
    if not any(plugins.fact("scoring.metrics", metric, "EXECUTES", False) for metric in metrics(study)):
        return []
    try:
        found = sandbox.preflight()
    except StudyError as error:
        # The line says what to install or to allow.
        return [missing("a sandbox for code that is scored", str(error))]
    if not found.cgroup:
        return [
            note(
                "the sandbox works, without a control group: memory is watched, not bounded",
                "see docs/sandbox.md",
            )
        ]
    return [ok("the sandbox works")]


def metrics(study: Study) -> list[str]:
    """The scoring modules of the study's datasets, each once; a verifier needs none."""
    scored = [dataset for dataset in study.datasets if dataset not in study.verified]
    return list(dict.fromkeys(study.metric(dataset) for dataset in scored))


def store(study: Study) -> list[Finding]:
    """The store belongs to whoever runs the study, and nobody else writes to it."""
    root = Path(study.config["store"])
    if not root.exists():
        return [ok(f"the store {root} will be made, for its owner only")]
    places = [root, *(path for path in root.iterdir() if path.is_dir())] if root.is_dir() else [root]
    foreign = [path for path in places if path.stat().st_uid != os.getuid()]
    open_ = [path for path in places if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]
    found = []
    if not root.is_dir():
        found.append(missing(f"the store {root} is no folder", "move it away, or set store to another place"))
    if foreign:
        line = f"the store: {foreign[0]} belongs to user {foreign[0].stat().st_uid}{_more(foreign)}"
        found.append(missing(line, "set store to a folder of your own, or delete it"))
    if open_:
        line = f"the store: {open_[0]} may be written by others{_more(open_)}"
        found.append(missing(line, f"if you trust it, chmod -R go-w {root}"))
    return found or [ok(f"the store {root} is yours alone to write")]


def mask(study: Study) -> list[Finding]:
    """What others may do to results made from now on."""
    given = os.umask(0o077)
    os.umask(given)
    if given & (stat.S_IWGRP | stat.S_IWOTH) == stat.S_IWGRP | stat.S_IWOTH:
        return [ok(f"umask {given:04o}: nobody else may write what is made here")]
    return [note(f"umask {given:04o}: others may write what is made here, but for the store", "umask 022")]


def _more(places: list[Path]) -> str:
    return f" (and {len(places) - 1} more)" if len(places) > 1 else ""


def libraries(study: Study) -> list[Finding]:
    """What scoring by running answers may import."""
    wanted = of_scored_code(metrics(study))
    absent = [name for name in wanted if not installed(name)]
    if not wanted:
        return []
    if not absent:
        return [ok(f"all {len(wanted)} libraries that answers may import are installed")]
    return [
        missing(
            f"libraries of scored code: {', '.join(absent)}; items that need them are not scored (NaN, counted and shown)",
            f"pip install {' '.join(wanted[name] for name in absent)} where answers are scored (docs/scoring.md)",
        )
    ]
