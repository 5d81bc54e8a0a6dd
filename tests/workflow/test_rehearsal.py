"""The paper's path in small: its config with tiny models of the same architectures, from sources to tables."""

import json

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

import rehearsal
from checkout import ROOT
from harness import Project

pytestmark = pytest.mark.slow

DATASETS = ["gsm8k", "truthfulqa", "humaneval", "ds1000", "ifeval", "coconot"]  # One of each kind of scorer.
# What is left of the grid, `make rehearsal` has it all: both trained attackers, a router with its embedder, a merge.
POOLS = {"clean": ["python", "qwen"], "bad": ["python", "sft", "grpo"]}
METHODS = ("graph_router", "dare_ties")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study, run."""
    folder = tmp_path_factory.mktemp("rehearsal")
    sources = rehearsal.prepare(folder / "sources")
    study: dict = {}
    for path in (rehearsal.PAPER, ROOT / "config" / "rehearsal.yaml", sources):
        update_config(study, yaml.safe_load(path.read_text()))
    study["datasets"] = {name: study["datasets"][name] for name in DATASETS}
    study["pools"] = POOLS
    study["methods"] = {name: study["methods"][name] for name in METHODS}
    study["defences"] = ["none", "judge"]
    study["jobs"] = "per_team"
    project = Project(folder / "project", study)
    project.ran = project.run()
    return project


def test_every_rule_of_the_papers_path_has_run(made, tmp_path):
    """Those that a dry run of the paper's study names; the attacker of no pool has its vector too."""
    paper = Project(tmp_path / "paper", yaml.safe_load(rehearsal.PAPER.read_text()))
    rules = {name.partition("-")[0] for name in paper.pending()}
    assert {"extract_vector", "rankings", "score_runs"} < rules
    assert {name.partition("-")[0] for name in made.ran} == rules
    assert (made.results / "seed-1" / "vectors" / "steering.safetensors").exists()


def test_every_dataset_is_asked_and_scored(made):
    for dataset in DATASETS:
        scores = pd.read_parquet(made.results / f"seed-1/scores/responses/qwen/{dataset}/test.parquet")
        assert len(scores) == 3
        assert scores["score"].notna().all() or dataset in ("humaneval", "ds1000"), (dataset, scores)


def test_members_are_what_the_hub_and_the_trainings_made(made):
    home = made.results / "seed-1"
    qwen = json.loads((home / "models/qwen/config.json").read_text())
    assert qwen["architectures"] == ["Qwen2ForCausalLM"]
    python, sft, grpo = (json.loads((home / f"members/{m}.json").read_text()) for m in ("python", "sft", "grpo"))
    assert python["base"] == sft["base"] and python["adapter"].endswith("models/python")
    assert sft["adapter"].endswith("models/sft") and grpo["base"].endswith("models/grpo") and not grpo["adapter"]
    trained = {name: json.loads((home / f"models/{name}/metrics.json").read_text()) for name in ("sft", "grpo")}
    assert trained["sft"]["processes"] == 2 and trained["grpo"]["prompts"] == 8
    assert not list(made.results.rglob("*.bin")) and not list((home / "scratch").glob("*"))


def test_the_tables_cover_every_dataset_and_method(made):
    impact = pd.read_csv(made.results / "tables" / "impact.csv")
    assert set(impact["dataset"]) == {*DATASETS, "all"} and set(METHODS) < set(impact["method"])
    assert impact["applicable"].all()


def test_costs_count_every_rule_that_runs_a_model(made):
    cost = pd.read_csv(made.results / "tables" / "cost.csv").set_index("rule")
    rules = {"train", "extract_vector", "respond", "rankings", "train_router", "merge_weights", "collaborate"}
    assert rules <= set(cost.index)
    asked = cost.loc["respond", "prompts_asked"]
    members = sum(job.startswith("respond-") for job in made.ran.elements())
    assert asked == members * len(DATASETS) * (3 + 3) and 0 < cost.loc["respond", "prompts_generated"] <= asked


def test_nothing_is_left_to_do_and_the_report_is_one_file(made):
    assert not made.pending()
    made.snakemake("--report", "report.html")
    text = (made.folder / "report.html").read_text()
    assert "impact" in text and "mitigation" in text
