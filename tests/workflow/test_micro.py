"""The micro study for real: every stage runs, and nothing but the seed decides the bytes."""

import copy
import json
import os
import signal
import subprocess
import time

import pandas as pd
import pytest

from harness import Project
from micro import STUDY

TABLES = ("alone", "impact", "mitigation", "supervisors")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The micro study, made once."""
    project = Project(tmp_path_factory.mktemp("micro"), copy.deepcopy(STUDY))
    project.run()
    return project


def tables(project):
    """The bytes of the tables that identity is promised for: not of their manifests, which name the machine."""
    return {
        path.name: path.read_bytes()
        for name in TABLES
        for path in project.results.glob(f"tables/{name}.*")
        if path.suffix != ".json"
    }


def shard_keys(project):
    """Keys of the store, with repeats."""
    shards = (project.folder / "results" / "store").glob("**/*.parquet")
    return [key for shard in shards for key in pd.read_parquet(shard)["key"]]


def test_tables_hold_every_pool_and_method(made):
    impact = pd.read_csv(made.results / "tables" / "impact.csv", keep_default_na=False)
    cells = impact[~impact["dataset"].isin(["all"])]
    assert set(impact["pool"]) == {"prompt", "steering", "sft"}
    assert set(STUDY["methods"]) <= set(impact["method"])
    soup = cells[(cells["method"] == "soup") & (cells["pool"] == "prompt")]
    assert set(soup["applicable"].astype(str)) == {"False"} and set(soup["score"]) == {""}
    mitigation = pd.read_csv(made.results / "tables" / "mitigation.csv")
    assert {"self", "reward", "judge", "oracle"} <= set(mitigation["defence"])


def test_no_job_is_left(made):
    assert not made.pending()


def test_costs_count_every_rule_that_runs_a_model(made):
    cost = pd.read_csv(made.results / "tables" / "cost.csv").set_index("rule")
    assert {"train", "respond", "rewards", "verdicts", "learn", "collaborate"} <= set(cost.index)
    asked = cost.loc["respond", "prompts_asked"]
    assert asked == 5 * 2 * (6 + 8) and 0 < cost.loc["respond", "prompts_generated"] <= asked


def test_models_load_with_plain_transformers_and_peft(made):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    models = made.results / "seed-1" / "models"
    base = AutoModelForCausalLM.from_pretrained(models / "base")
    assert AutoTokenizer.from_pretrained(models / "base").chat_template
    for adapter in ("x", "sft"):
        PeftModel.from_pretrained(base, models / adapter)
    assert AutoModelForSequenceClassification.from_pretrained(models / "reward").config.num_labels == 1
    assert not list(models.glob("**/*.bin")) and not list(models.glob("**/*.pt"))


def test_transcripts_tell_who_said_what(made):
    run = made.results / "seed-1" / "transcripts" / "sft" / "debate" / "oracle" / "reasoning.parquet"
    turns = pd.read_parquet(run)
    assert set(turns["member"]) == {"x"} and set(turns["role"]) == {"answer", "refine", "summary"}


@pytest.mark.parametrize("method", ["debate", "feedback", "fusion", "soup"])
def test_masking_the_attacker_equals_the_pool_without_it(made, method):
    runs = made.results / "seed-1" / "runs"
    for dataset in ("reasoning", "knowledge"):
        masked = pd.read_parquet(runs / "sft" / method / "oracle" / f"{dataset}.parquet")
        empty = pd.read_parquet(runs / "empty" / method / "none" / f"{dataset}.parquet")
        assert set(masked["masked"]) == {"sft"} and masked["text"].tolist() == empty["text"].tolist()


def test_other_batches_and_an_empty_store_give_the_same_bytes(made):
    before = tables(made)
    responses = made.results.glob("seed-1/responses/**/*.parquet")
    texts = {path: path.read_bytes() for path in responses}
    store = made.folder / "results" / "store"
    store.rename(made.folder / "results" / "old-store")
    made.study["engine"] = {"max_batch": 7, "batch_tokens": 500}
    ran = made.run()
    assert ran["respond_x"] == 1 and not any(job.startswith("train") for job in ran)
    assert {path: path.read_bytes() for path in texts} == texts
    assert tables(made) == before


class Running:
    """Snakemake in a process group of its own."""

    def __init__(self, project):
        self.process = subprocess.Popen(
            project.command(),
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill_when(self, condition, seconds=600):
        """Wait for `condition`, then kill the whole group with SIGKILL."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline, "the moment to kill never came"
            time.sleep(0.02)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def test_a_second_run_from_nothing_killed_twice_gives_the_same_bytes(made, tmp_path):
    study = copy.deepcopy(STUDY)
    # One text at a time and many writes, so that a kill falls between two of them.
    study["engine"] = {"max_batch": 1, "flush_every": 4}
    project = Project(tmp_path / "killed", study)
    models = project.results / "seed-1" / "models"
    # A training writes into a hidden folder beside its place.
    Running(project).kill_when(lambda: any(models.glob(".x.*")))
    assert not (models / "x").exists()
    store = project.folder / "results" / "store"
    Running(project).kill_when(lambda: len(list(store.glob("**/*.parquet"))) >= 3)
    flushed = shard_keys(project)
    assert flushed
    interval = study.pop("engine")["flush_every"]
    project.run()
    keys = shard_keys(project)
    assert set(flushed) <= set(keys)
    # What was flushed is never asked again; a job killed in between repeats at most its unflushed interval.
    assert len(keys) - len(set(keys)) <= 2 * interval
    assert tables(project) == tables(made)


def test_the_report_is_one_file(made):
    made.snakemake("--report", "report.html")
    text = (made.folder / "report.html").read_text()
    assert "impact" in text and "mitigation" in text


def test_the_members_files_name_no_machine(made):
    for path in made.results.glob("seed-1/members/*.json"):
        member = json.loads(path.read_text())
        assert not member["base"].startswith("/")
