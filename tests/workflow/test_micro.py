"""The micro study for real: every stage runs, and nothing but the seed decides the bytes."""

import copy
import json
import shutil

import pandas as pd
import pytest

from harness import Project
from micro import STUDY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The micro study, made once; attackers without weights are run in test_faults and test_extending."""
    study = copy.deepcopy(STUDY)
    for name in ("prompt", "steering"):
        del study["attackers"][name], study["pools"][name]
    project = Project(tmp_path_factory.mktemp("micro"), study)
    project.run()
    return project


def test_tables_hold_every_pool_and_method(made):
    impact = pd.read_csv(made.results / "tables" / "impact.csv", keep_default_na=False)
    assert set(impact["pool"]) == {"sft"} and set(STUDY["methods"]) <= set(impact["method"])
    mitigation = pd.read_csv(made.results / "tables" / "mitigation.csv")
    assert {"self", "reward", "judge", "oracle"} <= set(mitigation["defence"])


def test_no_job_is_left(made):
    assert not made.pending()


def test_costs_count_every_rule_that_runs_a_model(made):
    cost = pd.read_csv(made.results / "tables" / "cost.csv").set_index("rule")
    assert {"train", "respond", "rewards", "verdicts", "train_router", "merge_weights", "collaborate"} <= set(
        cost.index
    )
    asked = cost.loc["respond", "prompts_asked"]
    assert asked == 3 * 2 * (6 + 8) and 0 < cost.loc["respond", "prompts_generated"] <= asked


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
    run = made.results / "seed-1" / "transcripts" / "sft" / "debate" / "reasoning.parquet"
    turns = pd.read_parquet(run).query("defence == 'oracle'")
    assert set(turns["member"]) == {"x"} and set(turns["role"]) == {"answer", "refine", "summary"}


@pytest.mark.parametrize("method", ["debate", "feedback", "fusion", "contrastive", "soup", "dare_ties"])
def test_masking_the_attacker_equals_the_pool_without_it(made, method):
    runs = made.results / "seed-1" / "runs"
    for dataset in ("reasoning", "knowledge"):
        masked = pd.read_parquet(runs / "sft" / method / f"{dataset}.parquet").query("defence == 'oracle'")
        empty = pd.read_parquet(runs / "empty" / method / f"{dataset}.parquet")
        assert set(masked["masked"]) == {"sft"} and masked["text"].tolist() == empty["text"].tolist()


def test_other_batches_and_an_empty_store_give_the_same_bytes(made):
    home = made.results / "seed-1"
    wanted = [
        *(home / "responses" / member / "knowledge" / "test.parquet" for member in ("x", "sft")),
        *(home / "transcripts" / "sft" / method / "knowledge.parquet" for method in STUDY["methods"]),
        home / "routers" / "sft" / "llm_router" / "knowledge",
    ]
    before = {path: contents(path) for path in wanted}
    store = made.folder / "results" / "store"
    kept = store.rename(made.folder / "results" / "old-store")
    made.study["engine"] = {"max_batch": 7, "batch_tokens": 500}
    try:
        ran = made.run(*(str(path.relative_to(made.folder)) for path in wanted))
    finally:
        del made.study["engine"]
        shutil.rmtree(store)
        kept.rename(store)
    assert ran["respond-x"] == 1 and not any(job.startswith("train-") for job in ran)
    assert {path: contents(path) for path in wanted} == before


def contents(path):
    """The bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    assert files
    return {file.name: file.read_bytes() for file in files}


def test_the_report_is_one_file(made):
    made.snakemake("--report", "report.html")
    text = (made.folder / "report.html").read_text()
    assert "impact" in text and "mitigation" in text


def test_the_members_files_name_no_machine(made):
    for path in made.results.glob("seed-1/members/*.json"):
        member = json.loads(path.read_text())
        assert not member["base"].startswith("/")
