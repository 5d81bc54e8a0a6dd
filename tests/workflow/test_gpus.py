"""GPUs, memory and time that jobs ask Slurm for."""

import re
from collections import Counter

import pytest
import yaml

import micro
from checkout import ROOT
from harness import Project


@pytest.fixture
def project(tmp_path):
    """The micro study; jobs are only asked for."""
    return Project(tmp_path / "clone", micro.study())


def test_slurm_is_asked_for_what_the_study_says(project):
    project.study["resources"] = {"gpu": 4, "gpu_model": "h100", "partition": "big", "account": "mine", "mem_mb": 9000}
    shown = project.snakemake("--dry-run", "--profile", "slurm", cores=None).stdout
    blocks = re.findall(r"^rule (\w+)[^\n]*:\n.*?^    resources: ([^\n]*)", shown, re.MULTILINE | re.DOTALL)
    asked = {rule: set(resources.split(", ")) for rule, resources in blocks}
    model = {
        "gpu=4",
        "gpu_model=h100",
        "slurm_partition=big",
        "slurm_account=mine",
        "mem_mb=9000",
        "runtime=60",
        "nodes=1",
    }
    assert all(model <= asked[rule] for rule in ("train", "extract_vector"))
    for rule in ("dataset", "member", "score_runs", "table"):
        assert {"slurm_account=mine", "mem_mb=2000", "runtime=60"} <= asked[rule]
        assert not [given for given in asked[rule] if given.startswith(("gpu", "slurm_partition"))]


@pytest.mark.parametrize(("gpu", "of_base", "kinds"), [(0, 8, {"base"}), (1, 0, {"x", "y"})])
def test_the_kind_of_gpu_is_asked_for_where_a_training_has_gpus(project, gpu, of_base, kinds):
    trainings = {"base": {"gpu": of_base}}
    project.study["resources"] = {"gpu": gpu, "gpu_model": "h100", "trainings": trainings}
    shown = project.snakemake("models", "--dry-run", "--profile", "slurm", cores=None).stdout
    train = r"^rule train:\n(?:.+\n)*?    wildcards: .*model=(\w+)\n(?:.+\n)*?    resources: (.*)"
    asked = {model: set(resources.split(", ")) for model, resources in re.findall(train, shown, re.MULTILINE)}
    assert asked.keys() >= {"base", "x", "y"} and f"gpu={of_base}" in asked["base"]
    named = {model for model, resources in asked.items() if any("gpu_model" in one for one in resources)}
    assert named & {"base", "x", "y"} == kinds and "gpu_model=h100" in asked[min(kinds)]


# The rules that run a model in the paper's study.
MODELS = ("train", "extract_vector", "respond", "rewards", "rankings", "train_router", "merge_weights", "collaborate")


def test_the_papers_jobs_ask_for_gpus_where_they_run_a_model(project):
    project.study = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    shown = project.snakemake("--dry-run")
    asked = Counter()
    for block in re.split(r"^(?=(?:local)?rule )", shown.stdout + shown.stderr, flags=re.MULTILINE)[1:]:
        name = re.match(r"(?:local)?rule ([\w.-]+):", block)[1]
        gpus = re.search(r"resources:.* gpu=(\d+)", block)
        asked[name, int(gpus[1]) if gpus else 0] += 1
    assert {rule for rule, gpus in asked if gpus} == set(MODELS)
    assert not {rule for rule, gpus in asked if not gpus} & set(MODELS)
    assert asked["train", 1] == asked["train", 8] == 1
