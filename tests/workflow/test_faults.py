"""The study struck while it runs, on this machine and through a real Slurm: the same bytes, and nothing lost.

Every job costs seconds, so one study serves several faults. `make soak` strikes thirty, at random times.
"""

from collections import defaultdict
from itertools import combinations
from random import Random
from types import SimpleNamespace

import pytest

import cluster
import trials
from harness import Project
from trials import Run, strike

pytestmark = pytest.mark.slow

RNG = Random(1)


def answers(project):
    """Shards of the store."""
    return list((project.folder / "results" / "store").glob("*/*.parquet"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The tables of the study where nothing befalls it."""
    project = Project(tmp_path_factory.mktemp("calm"), trials.study())
    trials.recover(project, tries=1)
    return trials.tables(project)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The study on this machine: Snakemake killed while it trains, a payload killed, Ctrl-C; and made at last."""
    project = Project(tmp_path_factory.mktemp("local"), trials.study())
    models = project.results / "seed-1" / "models"
    # A training writes into a hidden folder beside its place.
    moments = {
        "sigkill": lambda: any(models.glob(".base.*")),
        "payload": lambda: len(answers(project)) >= 2,
        "sigint": lambda: len(answers(project)) >= 6,
    }
    for fault, moment in moments.items():
        run = Run(project)
        assert strike(run, fault, RNG, moment), fault
        assert run.end(), fault
    flushed = {path.name for path in answers(project)}
    trials.recover(project)
    return SimpleNamespace(project=project, flushed=flushed)


def test_struck_on_this_machine_nothing_is_lost_or_made_twice(local, calm):
    assert set(calm) == {f"{name}.{suffix}" for name in trials.TABLES for suffix in ("csv", "md", "tex")}
    assert len(local.flushed) >= 6 and local.flushed <= {path.name for path in answers(local.project)}
    assert trials.problems(local.project, calm, kills=3) == []


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A cluster of its own, or a skip that says why there is none."""
    with cluster.started(tmp_path_factory.mktemp("cluster")) as problem:
        if problem:
            pytest.skip(f"no Slurm here: {problem}")
        yield


@pytest.fixture(scope="module")
def told(slurm, tmp_path_factory):
    """The study through Slurm: killed, reaped, run again, struck again; and what was said on the way."""
    project = Project(tmp_path_factory.mktemp("slurm"), trials.study(slurm=True))
    first = Run(project, slurm=True)
    stopped = first.until(lambda: len(answers(project)) >= 2 and first.payloads())
    for payload in stopped:
        # Else they would end by themselves before they are looked for.
        payload.suspend()
    held = {int(payload.environ()["SLURM_JOB_ID"]) for payload in stopped}
    assert strike(first, "sigkill", RNG)
    first.end()
    refused = project.snakemake(*trials.targets(project), *trials.PROFILE, check=False, cores=None)
    before_reap = first.jobs()
    reaped = trials.call(project, "reap").stdout
    after_reap = first.jobs()
    again = Run(project, slurm=True)
    victim = again.until(lambda: again.jobs("collaborate_"))[0]
    assert cluster.cancel(victim)
    assert strike(again, "node", RNG, lambda: again.jobs("score_runs"))
    assert again.end() == 0, again.said.read_text()[-5000:]
    cluster.mend_nodes()
    return SimpleNamespace(
        project=project,
        held=held,
        refused=refused,
        before_reap=before_reap,
        reaped=reaped,
        after_reap=after_reap,
        victim=victim,
        jobs=cluster.jobs(),
    )


def test_the_tables_are_those_of_the_local_run_and_nothing_is_lost(told, calm):
    assert trials.problems(told.project, calm, kills=3) == []


def test_gpus_are_never_asked_for_twice_and_jobs_run_side_by_side(told):
    models = [job for job in told.jobs if job.what.startswith(("train", "respond", "learn", "collaborate"))]
    assert models and {(job.gpus, job.nodes) for job in models} == {(2, 1)}
    plain = [job for job in told.jobs if job.what.startswith(("dataset", "member", "score", "impact"))]
    assert plain and {job.gpus for job in plain} == {0}
    assert cluster.most_at_once(told.jobs, "gpus") == cluster.GPUS
    assert cluster.most_at_once(models) == 2


def test_killed_its_jobs_run_on_and_a_rerun_is_refused(told):
    assert told.held and told.held <= {job.id for job in told.before_reap}
    line = "Slurm jobs of an earlier run are still there: "
    assert told.refused.returncode and line in told.refused.stdout + told.refused.stderr
    assert "`make reap`" in told.refused.stdout + told.refused.stderr


def test_reap_cancels_them(told):
    assert "Cancelling " in told.reaped and "none is left" in told.reaped
    assert not told.after_reap
    ended = {job.id: job.state for job in told.jobs}
    assert {ended[job] for job in told.held} == {"CANCELLED"}


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
    assert trials.call(told.project, "reap").stdout.strip() == "No Slurm job is left here."
