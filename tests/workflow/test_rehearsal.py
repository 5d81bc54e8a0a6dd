"""The paper's path in small: its config with tiny models of the same architectures, from sources to tables."""

import json

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

import rehearsal
from conftest import ROOT
from harness import Project

DATASETS = [
    "gsm8k",
    "nlgraph",
    "mmlu_redux",
    "truthfulqa",
    "humaneval",
    "ds1000",
    "ifeval",
    "ifbench",
    "coconot",
    "safetybench",
]
# What is left of the grid: a team of three with both trained attackers and the steered one, a method of each level.
POOLS = {
    "clean": ["python", "math", "qwen"],
    "sft": ["python", "steering", "sft"],
    "grpo": ["python", "prompt", "grpo"],
}
METHODS = ("llm_router", "graph_router", "dare_ties")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study, run."""
    folder = tmp_path_factory.mktemp("rehearsal")
    sources = rehearsal.prepare(folder / "sources")
    study: dict = {}
    for path in (rehearsal.PAPER, ROOT / "config" / "rehearsal.yaml", sources):
        update_config(study, yaml.safe_load(path.read_text()))
    study["pools"] = POOLS
    study["methods"] = {name: study["methods"][name] for name in METHODS}
    study["defences"] = ["none", "judge"]
    project = Project(folder / "project", study)
    project.ran = project.run()
    return project


def test_every_dataset_is_asked_and_scored(made):
    for dataset in DATASETS:
        scores = pd.read_parquet(made.results / f"seed-1/scores/responses/qwen/{dataset}/test.parquet")
        assert len(scores) == 3
        assert scores["score"].notna().all() or dataset in ("humaneval", "ds1000"), (dataset, scores)


def test_members_are_what_the_hub_and_the_trainings_made(made):
    home = made.results / "seed-1"
    qwen = json.loads((home / "models/qwen/config.json").read_text())
    assert qwen["architectures"] == ["Qwen2ForCausalLM"]
    python, sft, grpo = (
        json.loads((home / f"members/{m}.json").read_text()) for m in ("python", "sft", "grpo")
    )
    assert python["base"] == sft["base"] and python["adapter"].endswith("models/python")
    assert (
        sft["adapter"].endswith("models/sft") and grpo["base"].endswith("models/grpo") and not grpo["adapter"]
    )
    trained = {
        name: json.loads((home / f"models/{name}/metrics.json").read_text()) for name in ("sft", "grpo")
    }
    assert trained["sft"]["processes"] == 2 and trained["grpo"]["prompts"] == 8
    assert not list(made.results.rglob("*.bin")) and not list((home / "scratch").glob("*"))


def test_the_tables_cover_what_can_be_run(made):
    impact = pd.read_csv(made.results / "tables" / "impact.csv")
    overall = impact[(impact["dataset"] == "all") & (impact["domain"] == "all")].set_index(["method", "pool"])
    assert (
        overall.loc[("llm_router", "sft"), "applicable"]
        and overall.loc[("graph_router", "grpo"), "applicable"]
    )
    # Persona and steering have no weights to merge.
    assert not overall.loc[("dare_ties", "sft"), "applicable"]
    assert set(impact["dataset"]) == {*DATASETS, "all"}


def test_nothing_is_left_to_do(made):
    assert not made.pending()
