"""The soak counts a trial only if its fault has struck and shown; studies and Slurm are stand-ins."""

import signal
import sys
from random import Random
from types import SimpleNamespace

import pytest

import cluster
import soak
import trials


@pytest.fixture
def soaked(tmp_path, monkeypatch):
    """Runs a trial whose studies end with the given strokes, one after the other; what held, and the moments."""
    moments = []

    def soaked(fault, strokes, states=(), slurm=True):
        left = iter(strokes)

        def strike(folder, fault, slurm, moment, rng):
            folder.mkdir()
            moments.append(moment)
            struck, status = next(left)
            jobs = [SimpleNamespace(state=state, id=number) for number, state in enumerate(states, 21)]
            run = SimpleNamespace(project=None, slurm=slurm, all_jobs=lambda: jobs)
            return run, status, struck

        monkeypatch.setattr(soak, "strike", strike)
        return soak.trial(tmp_path / "trial", fault, slurm, 64.0, {}, Random(1)), moments

    monkeypatch.setattr(trials, "recover", lambda project, slurm: None)
    monkeypatch.setattr(trials, "problems", lambda project, reference, kills: [])
    monkeypatch.setattr(trials, "twice", lambda project: 0)
    return soaked


def test_a_study_that_was_over_before_is_struck_earlier_again(soaked, capsys):
    held, moments = soaked("scancel", [(None, 0), (None, 0), ("train", 0)])
    assert held and moments == [moments[0], moments[0] / 2, moments[0] / 4]
    assert capsys.readouterr().out.count("over before; again, earlier") == 2


def test_snakemake_that_ended_well_was_not_struck(soaked):
    held, moments = soaked("sigint", [("process 7", 0), ("process 8", 1)])
    assert held and len(moments) == 2


def test_nothing_to_strike_at_any_time_does_not_hold(soaked):
    assert not soaked("payload", [(None, 0)] * 9)[0]


def test_slurm_must_have_ended_a_job_for_its_time(soaked, tmp_path, capsys):
    assert not soaked("timeout", [("process 7", 0)], ["COMPLETED", "FAILED"])[0]
    assert "the fault has not shown" in capsys.readouterr().out
    (tmp_path / "trial").rmdir()
    assert soaked("timeout", [("process 7", 0)], ["COMPLETED", "TIMEOUT"])[0]


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("Job 22 exceeded memory limit (400>300), cancelling it", True),
        ("[22.0] error: StepId=22.0 exceeded memory limit (319196160 > 314572800), being killed", True),
        ("[2.0] error: StepId=2.0 exceeded memory limit (319196160 > 314572800), being killed", False),
        ("[22.0] done with job", False),
    ],
)
def test_slurm_must_have_killed_a_job_for_its_memory(soaked, tmp_path, monkeypatch, line, held):
    config = tmp_path / "slurm.conf"
    config.write_text(f"# Written by tests/slurm/start.sh for {tmp_path}\nClusterName=x\n")
    monkeypatch.setattr(cluster, "CONFIG", config)
    (tmp_path / "log").mkdir()
    for node, text in zip(cluster.NODES, ("", f"[2026-11-21T19:11:22.461] {line}\n"), strict=True):
        (tmp_path / "log" / f"slurmd.{node}.log").write_text(text)
    assert soaked("memory", [("from the start", 0)], ["COMPLETED", "FAILED"])[0] == held


def test_on_this_machine_a_payload_that_was_killed_fails_the_run(soaked):
    assert not soaked("payload", [("process 7", 0)], slurm=False)[0]


def test_a_run_hears_ctrl_c_where_the_soak_does_not(tmp_path):
    told = "import signal, sys; sys.exit(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)"
    project = SimpleNamespace(
        folder=tmp_path,
        study={"study": "s"},
        command=lambda *arguments, cores: [sys.executable, "-c", told],
        environment=lambda: None,
    )
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = trials.Run(project)
    finally:
        signal.signal(signal.SIGINT, heard)
    assert run.end() == 0
