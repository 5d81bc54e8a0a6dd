"""The study through a real Slurm: same bytes, GPUs never shared, and nothing lost when Snakemake is killed.

One run serves all tests, since every job costs seconds: Snakemake is killed with SIGKILL while members answer, its
jobs are reaped, it is run again, and one job of that run is cancelled under it.
"""

import copy
import os
import signal
import subprocess
import time
from collections import defaultdict
from itertools import combinations
from types import SimpleNamespace

import pytest

import cluster
from conftest import ROOT
from harness import Project
from micro import STUDY

TABLES = ("alone", "impact", "mitigation")
PROFILE = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "1")


def smallest():
    """The micro study cut to one attacker, one dataset and one method: still every stage, in 28 jobs."""
    study = copy.deepcopy(STUDY)
    models = {name: study["models"][name] for name in ("base", "judge")}
    # Two nodes with two GPUs each have room for two such jobs, where three are ready.
    asked = {"gpu": 2, "gpu_model": "fake", "partition": "gpu"}
    return {
        **study,
        "datasets": {"reasoning": study["datasets"]["reasoning"]},
        "models": {**models, "judge": {**models["judge"], "supervisor": "base"}},
        "members": {"x": {"model": "base"}, "y": {"model": "base"}},
        "attackers": {"steering": {**study["attackers"]["steering"], "datasets": ["reasoning"]}},
        "pools": {"clean": ["x", "y"], "steering": ["x", "steering"]},
        "supervisors": {"judge": "judge"},
        "methods": {"llm_router": {**study["methods"]["llm_router"], "defences": ["judge"]}},
        "resources": asked,
    }


def targets(project):
    return [
        str(project.results / "tables" / f"{name}.csv").removeprefix(f"{project.folder}/") for name in TABLES
    ]


def tables(project):
    """The bytes of the tables, in all their forms; their manifests name the machine."""
    files = [path for name in TABLES for path in project.results.glob(f"tables/{name}.*")]
    return {path.name: path.read_bytes() for path in files if path.suffix != ".json"}


def through_slurm(project, check=True):
    return project.snakemake(*targets(project), *PROFILE, check=check, cores=None)


def reap(project, *options):
    """What `make reap` says in the clone."""
    command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "reap", *options]
    done = subprocess.run(
        command, cwd=project.folder, env=project.environment(), capture_output=True, text=True, timeout=300
    )
    return done.stdout + done.stderr


def until(condition, process=None, seconds=600):
    """Wait until `condition` holds, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        assert process is None or process.poll() is None, "the run ended too early"
        time.sleep(0.2)
    return found


def running(rule):
    return [job for job in cluster.jobs() if job.what.startswith(rule) and job.end is None]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A cluster of its own, or a skip that says why there is none."""
    with cluster.started(tmp_path_factory.mktemp("cluster")) as problem:
        if problem:
            pytest.skip(f"no Slurm here: {problem}")
        yield


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The same study on this machine."""
    study = {**smallest(), "resources": {}}
    project = Project(tmp_path_factory.mktemp("local"), study)
    project.snakemake(*targets(project))
    return project


@pytest.fixture(scope="module")
def told(slurm, tmp_path_factory):
    """The study through Slurm: killed, reaped, run again; and what was said on the way."""
    project = Project(tmp_path_factory.mktemp("slurm"), smallest())
    first = start(project)
    until(lambda: running("respond_"), first)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    left = running("respond_")
    for job in left:
        # They would soon end by themselves, on a busy machine before the next lines.
        subprocess.run(["scancel", "--full", "--signal=STOP", str(job.id)], check=True)
    refused = through_slurm(project, check=False)
    before_reap = running("respond_")
    reaped = reap(project)
    after_reap = running("")
    again = start(project)
    (victim, *_) = until(lambda: running("collaborate_"), again)
    subprocess.run(["scancel", str(victim.id)], check=True)
    again.wait(timeout=900)
    assert again.returncode == 0, (project.folder / "slurm.out").read_text()[-5000:]
    return SimpleNamespace(
        project=project,
        left=left,
        refused=refused,
        before_reap=before_reap,
        reaped=reaped,
        after_reap=after_reap,
        victim=victim,
        jobs=cluster.jobs(),
    )


def start(project):
    """A run through Slurm in a process group of its own."""
    with (project.folder / "slurm.out").open("a") as out:
        return subprocess.Popen(
            project.command(*targets(project), *PROFILE, cores=None),
            cwd=project.folder,
            env=project.environment(),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def test_the_tables_are_those_of_a_local_run(told, local):
    assert set(tables(local)) == {f"{name}.{suffix}" for name in TABLES for suffix in ("csv", "md", "tex")}
    assert tables(told.project) == tables(local)


def test_gpus_are_never_asked_for_twice_and_jobs_run_side_by_side(told):
    models = [
        job for job in told.jobs if job.what.startswith(("train", "respond", "verdicts", "collaborate"))
    ]
    assert models and {(job.gpus, job.nodes) for job in models} == {(2, 1)}
    plain = [job for job in told.jobs if job.what.startswith(("dataset", "member", "score", "impact"))]
    assert plain and {job.gpus for job in plain} == {0}
    assert cluster.most_at_once(told.jobs, "gpus") == cluster.GPUS
    assert cluster.most_at_once(models) == 2


def test_killed_its_jobs_run_on_and_a_rerun_is_refused(told):
    # Jobs are named by their run: what was still waiting may have begun, nothing has been added.
    assert told.left and {job.name for job in told.before_reap} <= {job.name for job in told.left}
    line = "Slurm jobs of an earlier run are still there: "
    assert told.refused.returncode and line in told.refused.stdout + told.refused.stderr
    assert "`make reap`" in told.refused.stdout + told.refused.stderr


def test_reap_cancels_them(told):
    assert "Cancelling " in told.reaped and "none is left" in told.reaped
    assert not told.after_reap
    ended = {job.id: job.state for job in told.jobs}
    assert "CANCELLED" in {ended[job.id] for job in told.left}


def test_nothing_runs_twice_at_once(told):
    alike = defaultdict(list)
    for job in told.jobs:
        alike[job.what].append(job)
    assert not [
        pair for same in alike.values() for pair in combinations(same, 2) if pair[0].overlaps(pair[1])
    ]
    assert {len(same) for same in alike.values()} == {1, 2}


def test_a_failed_job_is_tried_again_with_more_memory(told):
    same = [job for job in told.jobs if job.what == told.victim.what]
    assert [(job.state, job.mem_mb) for job in same] == [("CANCELLED", 2000), ("COMPLETED", 4000)]


def test_reap_finds_nothing_afterwards(told):
    assert reap(told.project).strip() == "No Slurm job is left here."
