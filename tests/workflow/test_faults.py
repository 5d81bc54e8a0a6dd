"""Faults while the study runs, on this machine and through a real Slurm: the same bytes, and nothing lost.

Every job costs seconds, so one study serves several faults. `make soak` injects all of them, at random times.
"""

from random import Random
from types import SimpleNamespace

import pytest

import cluster
import trials
from harness import Project
from trials import Run, inject

pytestmark = pytest.mark.slow

RNG = Random(1)


def answers(project):
    """Files of the answer cache."""
    return list((project.folder / "results" / "store").glob("*/*.parquet"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The tables of the study without a fault."""
    project = Project(tmp_path_factory.mktemp("undisturbed"), trials.study())
    trials.recover(project, tries=1)
    return trials.tables(project)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The study on this machine: Snakemake killed while it trains, a payload killed, Ctrl-C; then finished."""
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
        assert inject(run, fault, RNG, moment), fault
        assert run.end(), fault
        trials.unlock(project)
    written = {path.name for path in answers(project)}
    trials.recover(project)
    return SimpleNamespace(project=project, written=written)


def test_on_this_machine_nothing_is_lost_or_repeated(local, undisturbed):
    assert set(undisturbed) == {f"{name}.{suffix}" for name in trials.TABLES for suffix in ("csv", "md", "tex")}
    assert len(local.written) >= 6 and local.written <= {path.name for path in answers(local.project)}
    assert trials.problems(local.project, undisturbed, kills=3) == []


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A cluster of its own, or a skip that says why there is none."""
    with cluster.started(tmp_path_factory.mktemp("cluster") / "state") as problem:
        if problem:
            pytest.skip(f"no Slurm here: {problem}")
        yield


@pytest.fixture(scope="module")
def through(slurm, tmp_path_factory):
    """The study through Slurm: Snakemake killed twice, a job cancelled, a node's daemon killed; then finished."""
    project = Project(tmp_path_factory.mktemp("slurm"), trials.study(slurm=True))
    first = Run(project, slurm=True)
    assert first.until(lambda: first.payloads() and first.jobs("train"))
    assert inject(first, "sigkill", RNG)
    first.end()
    # The jobs that it leaves run on beside those of the next run.
    orphans = {job.id for job in first.jobs()}
    trials.unlock(project)
    second = Run(project, slurm=True)
    stopped = second.until(lambda: len(answers(project)) >= 2 and second.payloads())
    for payload in stopped:
        # Else they would end by themselves before they are cancelled.
        payload.suspend()
    held = {int(payload.environ()["SLURM_JOB_ID"]) for payload in stopped}
    assert inject(second, "sigkill", RNG)
    second.end()
    trials.unlock(project, cancel=True)
    third = Run(project, slurm=True)
    cancelled = inject(third, "scancel", RNG, lambda: third.jobs("collaborate"))
    assert inject(third, "node", RNG, lambda: third.jobs("score_runs"))
    assert third.end() == 0, third.log.read_text()[-5000:]
    cluster.restart_nodes()
    jobs = third.all_jobs()
    return SimpleNamespace(project=project, orphans=orphans, held=held, cancelled=cancelled, jobs=jobs)


def test_through_slurm_the_tables_are_those_of_the_local_run_and_nothing_is_lost(through, undisturbed):
    assert trials.problems(through.project, undisturbed, kills=4) == []


def test_jobs_of_a_killed_run_go_on_beside_the_next_and_the_documented_line_cancels_them(through):
    states = {job.id: job.state for job in through.jobs}
    # One that finds its output made, or being made, by the next run ends early.
    assert through.orphans and {states[job] for job in through.orphans} <= {"COMPLETED", "FAILED"}
    assert through.held and {states[job] for job in through.held} == {"CANCELLED"}


def test_a_failed_job_is_tried_again_with_more_memory(through):
    run = through.jobs[-1].name
    same = [job for job in through.jobs if job.what == through.cancelled and job.name == run]
    assert [(job.state, job.mem_mb) for job in same] == [("CANCELLED", 2000), ("COMPLETED", 4000)]


def test_gpus_are_asked_for_where_a_model_runs_and_jobs_run_side_by_side(through):
    models = ("train", "extract_vector", "respond", "collaborate")
    assert {job.gpus for job in through.jobs if job.what.startswith(models)} == {2}
    assert {job.gpus for job in through.jobs if not job.what.startswith(models)} == {0}
    assert cluster.most_gpus(through.jobs) == cluster.GPUS
