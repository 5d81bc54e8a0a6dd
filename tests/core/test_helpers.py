"""Logs of rules' scripts over several attempts, each in a process of its own, as Snakemake starts them."""

import os
import signal
import subprocess
import sys

import pytest

from checkout import ROOT

SCRIPT = """
import logging, os, sys
from types import SimpleNamespace
from _helpers import configure_logging
configure_logging(SimpleNamespace(log=[sys.argv[1]], config={}))
logging.warning("began")
exec(sys.argv[2])
"""


@pytest.fixture
def attempt(tmp_path):
    """Runs a script whose body is given, and returns its status and its log."""
    log = tmp_path / "logs" / "train" / "x.log"

    def attempt(body):
        # As Snakemake does before each attempt.
        log.unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(log), body], env=environment, capture_output=True)
        return done.returncode, log.read_text()

    return attempt


def test_what_an_attempt_died_of_stands_above_the_next_until_one_goes_well(attempt, tmp_path):
    assert "==== attempt" not in attempt("pass")[1]
    status, log = attempt("raise ValueError('the first cause')")
    assert status == 1 and "==== attempt" not in log and log.count("began") == 1
    status, log = attempt("logging.warning('filling'); os.kill(os.getpid(), 9)")
    assert status == -signal.SIGKILL
    assert log.index("the first cause") < log.index("\n==== attempt 2; ") < log.index("filling")
    status, log = attempt("pass")
    assert status == 0 and log.index("filling") < log.index("\n==== attempt 3; ") and log.count("began") == 3
    assert attempt("pass")[1].count("began") == 1
    assert [path.name for path in (tmp_path / "logs" / "train").iterdir()] == ["x.log"]
