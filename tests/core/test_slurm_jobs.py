"""Jobs that a dead run left in Slurm: found by name, cancelled or waited for. `squeue` and `scancel` are fakes."""

import os
import re
import subprocess

import pytest

from amongus.core import run_lock, slurm_jobs
from amongus.core.errors import StudyError
from checkout import ROOT
from claimed import DEAD, claimed

SQUEUE = """#!/bin/sh
echo "squeue $@" >> {folder}/calls
[ ! -e {folder}/down ] || {{ echo "no controller" >&2; exit 1; }}
cat {folder}/queue
# A job that ends by itself is there for two looks.
[ "$(grep -c squeue {folder}/calls)" -lt 3 ] || : > {folder}/queue
"""
SCANCEL = """#!/bin/sh
echo "scancel $@" >> {folder}/calls
: > {folder}/queue
"""


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A queue in a file: two jobs of a dead run of the clone we are in, one of another clone, one of nobody's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("squeue", SQUEUE), ("scancel", SCANCEL)):
        (programs / name).write_text(text.format(folder=tmp_path))
        (programs / name).chmod(0o755)
    clone = tmp_path / "clone"
    clone.mkdir()
    monkeypatch.chdir(clone)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm_jobs, "_PAUSE", 0.01)
    ours, theirs = slurm_jobs.prefix(), slurm_jobs.prefix(tmp_path / "other")
    rows = [
        f"11|{ours}-{DEAD}_5f|RUNNING|rule_train_wildcards_1_base",
        f"12|{ours}-{DEAD}_5f|PENDING|rule_respond_x",
        f"13|{theirs}-{DEAD}_5f|RUNNING|rule_train_wildcards_1_base",
        "14|interactive|RUNNING|(null)",
    ]
    (tmp_path / "queue").write_text("\n".join(rows) + "\n")
    return tmp_path


def cancelled(queue):
    return [
        line.split()[1:] for line in (queue / "calls").read_text().splitlines() if line.startswith("scancel")
    ]


def submit(queue, number, pid):
    """Queue a job of the run whose process is `pid`."""
    with (queue / "queue").open("a") as rows:
        rows.write(f"{number}|{slurm_jobs.prefix()}-{pid}_77|RUNNING|rule_score_x\n")


def test_a_clone_has_names_of_its_own_that_the_plugin_takes(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "clone")
    assert slurm_jobs.prefix(tmp_path / "clone") == slurm_jobs.prefix(tmp_path / "link")
    assert slurm_jobs.prefix(tmp_path / "clone") != slurm_jobs.prefix(tmp_path)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,50}", slurm_jobs.prefix())


def test_only_this_clones_jobs_are_found(queue):
    assert [job.id for job in slurm_jobs.queued()] == ["11", "12"]
    assert str(slurm_jobs.queued()[0]) == "11 (train_wildcards_1_base, running)"


def test_reaping_cancels_them_and_no_others(queue, capsys):
    claimed(submits=True)
    assert slurm_jobs.main([]) == 0
    assert cancelled(queue) == [["11", "12"]]
    said = capsys.readouterr().out
    assert "Cancelling 11 (train_wildcards_1_base, running), 12 (respond_x, pending)" in said
    assert "2 Slurm jobs of an earlier run are cancelled; none is left." in said


def test_waiting_cancels_nothing(queue, capsys):
    claimed(submits=True)
    assert slurm_jobs.main(["--wait"]) == 0
    assert cancelled(queue) == [] and (queue / "calls").read_text().count("squeue") >= 3
    assert "2 Slurm jobs of an earlier run have ended; none is left." in capsys.readouterr().out


def test_a_run_at_work_keeps_its_jobs_whatever_others_did(queue, capsys):
    (queue / "queue").write_text("")
    submit(queue, 21, os.getpid())
    run_lock.claim(submits=True)
    # Another run begins and ends well beside it, a third one is killed.
    claimed(host="elsewhere")
    claimed(submits=True)
    assert slurm_jobs.main([]) == 1 and cancelled(queue) == []
    assert "Snakemake is running here" in capsys.readouterr().err
    slurm_jobs.refuse_leftover()


def test_beside_a_run_at_work_only_the_dead_ones_jobs_are_reaped(queue, capsys):
    submit(queue, 21, os.getpid())
    run_lock.claim(submits=True)
    claimed(submits=True)
    with pytest.raises(StudyError, match=r"still there: 11 \(train[^;]*12 [^;]*pending\); `make reap`"):
        slurm_jobs.refuse_leftover()
    assert slurm_jobs.main([]) == 0 and cancelled(queue) == [["11", "12"]]


def test_once_its_jobs_are_gone_the_queue_is_not_asked_for_a_dead_run_again(queue):
    claimed(submits=True)
    (queue / "queue").write_text("")
    slurm_jobs.refuse_leftover()
    asked = (queue / "calls").read_text()
    slurm_jobs.refuse_leftover()
    assert "squeue" in asked and (queue / "calls").read_text() == asked


def test_a_run_of_another_machine_is_reaped_only_by_force(queue, capsys):
    claimed(submits=True, host="elsewhere")
    assert slurm_jobs.main([]) == 1 and cancelled(queue) == []
    assert "make reap FORCE=1" in capsys.readouterr().err
    assert slurm_jobs.main(["--force"]) == 0 and cancelled(queue) == [["11", "12"]]
    assert not run_lock.claims()


def test_a_cancelled_job_that_does_not_go_is_an_error(queue):
    claimed(submits=True)
    (queue / "bin" / "scancel").write_text("#!/bin/sh\n")
    (queue / "bin" / "squeue").write_text(f"#!/bin/sh\ncat {queue}/queue\n")
    with pytest.raises(StudyError, match="still there after 0 s: 11 "):
        slurm_jobs.reap(slurm_jobs.leftover(), seconds=0)


@pytest.mark.parametrize("host", [None, "elsewhere"])
def test_a_new_run_is_refused_while_they_are_there(queue, host):
    claimed(submits=True, host=host)
    with pytest.raises(StudyError, match=r"11 \(train.*make reap"):
        slurm_jobs.refuse_leftover()
    slurm_jobs.reap(slurm_jobs.leftover(force=True))
    slurm_jobs.refuse_leftover()


def test_a_clone_that_never_submitted_does_not_ask_the_queue(queue):
    slurm_jobs.refuse_leftover()
    claimed()
    slurm_jobs.refuse_leftover()
    run_lock.claim(submits=True)
    run_lock.release()
    slurm_jobs.refuse_leftover()
    assert not (queue / "calls").exists()


def test_who_submits_asks_it_whatever_is_claimed(queue):
    with pytest.raises(StudyError, match=r"11 \(train.*make reap"):
        slurm_jobs.refuse_leftover(submits=True)
    (queue / "queue").write_text("")
    slurm_jobs.refuse_leftover(submits=True)


def test_cancelled_jobs_are_waited_for_but_not_for_ever(queue, monkeypatch):
    rows = (queue / "queue").read_text().replace("RUNNING", "COMPLETING").replace("PENDING", "COMPLETING")
    (queue / "queue").write_text(rows)
    slurm_jobs.refuse_leftover(submits=True)
    (queue / "queue").write_text(rows)
    (queue / "bin" / "squeue").write_text(f"#!/bin/sh\ncat {queue}/queue\n")
    monkeypatch.setattr(slurm_jobs, "_ENDING", 0.0)
    with pytest.raises(StudyError, match=r"still there: 11 \(.*completing"):
        slurm_jobs.refuse_leftover(submits=True)


def test_hidden_jobs_are_seen_and_the_users_filters_are_not_used(queue, monkeypatch):
    (queue / "bin" / "squeue").write_text(f'#!/bin/sh\necho "$@" > {queue}/calls\nenv > {queue}/env\n')
    monkeypatch.setenv("SQUEUE_STATES", "PENDING")
    slurm_jobs.queued()
    assert "--all" in (queue / "calls").read_text() and "SQUEUE_" not in (queue / "env").read_text()


def test_a_process_knows_whether_its_jobs_are_still_there(queue):
    assert not slurm_jobs.jobs_behind()
    submit(queue, 21, os.getpid())
    assert slurm_jobs.jobs_behind()
    (queue / "queue").write_text("")
    (queue / "down").touch()
    assert slurm_jobs.jobs_behind()


def test_a_queue_that_cannot_be_asked_is_one_line(queue, monkeypatch):
    claimed(submits=True)
    (queue / "down").touch()
    with pytest.raises(StudyError, match=r"^squeue failed \(no controller\); run this where Slurm answers$"):
        slurm_jobs.refuse_leftover()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StudyError, match=r"squeue: .*No such file"):
        slurm_jobs.leftover()


def test_make_reap_calls_it(tmp_path):
    shown = subprocess.run(
        ["make", "-n", "-C", ROOT, "reap", "WAIT=1", "FORCE=1"], capture_output=True, text=True, check=True
    ).stdout
    assert "python -m amongus.core.slurm_jobs --wait --force" in shown
