"""The settings a run has in the end: the workflow profile wins over `--profile`, so it may contradict none."""

import os

import pytest
import yaml
from snakemake.cli import parse_args

from checkout import ROOT

PROFILES = [path for path in (ROOT / "profiles").iterdir() if path.name != "default"]


@pytest.fixture
def parsed(monkeypatch):
    """Settings of a command line given in the clone."""
    monkeypatch.chdir(ROOT)
    return lambda *arguments: parse_args([*arguments])[1]


def keys(profile):
    return set(yaml.safe_load((profile / "config.yaml").read_text()))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_the_workflow_profile_contradicts_no_other(profile):
    assert PROFILES and not keys(ROOT / "profiles" / "default") & keys(profile)


def test_what_slurm_runs_with(parsed):
    args = parsed("--profile", "slurm")
    assert (args.executor, args.jobs, args.retries, args.cores) == ("slurm", 100, 2, None)
    assert not args.resources, "a limit would cut down the GPUs that jobs ask for"
    assert (str(args.slurm_logdir), args.slurm_keep_successful_logs) == ("slurm_logs", True)
    assert args.slurm_jobname_prefix == "amongus"
    # The workflow profile still counts.
    assert args.rerun_incomplete and "code" not in {str(trigger) for trigger in args.rerun_triggers}


@pytest.mark.parametrize(("accounting", "command"), [("slurmdbd", "sacct"), ("none", "squeue")])
def test_jobs_are_looked_up_where_they_are_known(parsed, tmp_path, monkeypatch, accounting, command):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(f"#!/bin/sh\necho 'AccountingStorageType   = accounting_storage/{accounting}'\n")
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert parsed("--profile", "slurm").slurm_status_command == command


def test_as_typed_from_a_clone():
    link = ROOT / "slurm"
    assert link.is_symlink() and link.resolve() == (ROOT / "profiles" / "slurm").resolve()
