"""GPUs, memory and time that jobs ask for, here and of Slurm."""

import re
from collections import Counter

import pytest
import yaml

import micro
from checkout import ROOT
from harness import Project

# The rules that run a model in the paper's study.
MODELS = {"train", "extract_vector", "respond", "rewards", "rankings", "train_router", "merge_weights", "collaborate"}


@pytest.fixture
def project(tmp_path):
    """The micro study; jobs are only asked for."""
    return Project(tmp_path / "clone", micro.study())


def asked(project, *arguments, slurm=True):
    """Rule, wildcards and resources of each job that a run would start."""
    profile = ("--profile", "slurm") if slurm else ()
    done = project.snakemake("--dry-run", *arguments, *profile, cores=None if slurm else 2)
    blocks = re.split(r"^(?=(?:local)?rule )", done.stdout + done.stderr, flags=re.MULTILINE)[1:]
    found = []
    for block in blocks:
        fields = dict(re.findall(r"^    (\w+): (.*)$", block, re.MULTILINE))
        rule = re.match(r"(?:local)?rule (\w+)", block)[1]
        found.append((rule, fields.get("wildcards", ""), set(fields.get("resources", "").split(", "))))
    return found


def test_slurm_is_asked_for_what_the_study_says(project):
    project.study["resources"] = {"gpu": 4, "gpu_model": "h100", "partition": "big", "account": "mine", "mem_mb": 9000}
    of_rule = {rule: resources for rule, _, resources in asked(project)}
    common = {"slurm_account=mine", "runtime=60"}
    for rule in ("train", "extract_vector"):
        assert common | {"gpu=4", "gpu_model=h100", "slurm_partition=big", "mem_mb=9000", "nodes=1"} <= of_rule[rule]
    for rule in ("dataset", "member", "score_runs", "table"):
        assert common | {"mem_mb=2000"} <= of_rule[rule]
        assert not [given for given in of_rule[rule] if given.startswith(("gpu", "slurm_partition"))]


@pytest.mark.parametrize(("gpu", "of_base", "kinds"), [(0, 8, {"base"}), (1, 0, {"x", "y"})])
def test_the_kind_of_gpu_is_asked_for_where_a_training_has_gpus(project, gpu, of_base, kinds):
    project.study["resources"] = {"gpu": gpu, "gpu_model": "h100", "trainings": {"base": {"gpu": of_base}}}
    trainings = (job for job in asked(project, "models") if job[0] == "train")
    trained = {wildcards.rpartition("model=")[2]: resources for _, wildcards, resources in trainings}
    assert f"gpu={of_base}" in trained["base"]
    assert {model for model in ("base", "x", "y") if "gpu_model=h100" in trained[model]} == kinds


def test_the_papers_jobs_ask_for_gpus_where_they_run_a_model(project):
    project.study = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    counts = Counter()
    for rule, _, resources in asked(project, slurm=False):
        gpus = [int(given.removeprefix("gpu=")) for given in resources if given.startswith("gpu=")]
        counts[rule, sum(gpus)] += 1
    assert {rule for rule, gpus in counts if gpus} == MODELS
    assert not {rule for rule, gpus in counts if not gpus} & MODELS
    assert counts["train", 1] == counts["train", 8] == 1
