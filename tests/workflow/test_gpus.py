"""GPUs of this machine are counted over all jobs; on Slurm they are asked for and not counted here.

`CUDA_VISIBLE_DEVICES` says how many there are: no job touches one.
"""

import copy
import re

import pytest

from harness import Project
from micro import STUDY

# Every job takes its time and notes it.
TIMED = """
import time
_began = time.time()
{script}
time.sleep(0.7)
with open("ran.txt", "a") as _ran:
    _ran.write(f"{{snakemake.rule}} {{_began}} {{time.time()}}\\n")
"""


@pytest.fixture
def project(tmp_path):
    """The micro study asking for a GPU a job, with stubs for scripts."""
    study = copy.deepcopy(STUDY)
    study["resources"] = {"gpu": 1}
    project = Project(tmp_path / "clone", study).stub()
    for path in (project.folder / "workflow" / "scripts").glob("[a-z]*.py"):
        path.write_text(TIMED.format(script=path.read_text()))
    return project


def most_at_once(project, rule):
    """The largest number of jobs of `rule` that ran at one time."""
    rows = [line.split() for line in (project.folder / "ran.txt").read_text().splitlines()]
    times = [(float(began), float(ended)) for name, began, ended in rows if name == rule]
    return max(sum(began <= at < ended for began, ended in times) for at, _ in times)


def test_two_gpus_never_run_three_models(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    project.snakemake("models", cores=6)
    assert most_at_once(project, "train") == 2


def test_resources_on_the_command_line_count_instead(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    project.snakemake("models", "--resources", "gpu=1", cores=6)
    assert most_at_once(project, "train") == 1


@pytest.mark.parametrize(
    ("options", "gpu"),
    [((), 3), (("--resources", "gpu=2"), 3), (("--set-resources", "train:gpu=5"), 1)],
)
def test_a_job_that_asks_for_more_is_refused_before_any_runs(project, monkeypatch, options, gpu):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    project.study["resources"] = {"gpu": gpu}
    done = project.snakemake("models", *options, check=False, cores=6)
    wanted = 5 if "--set-resources" in options else gpu
    line = f"the study asks for {wanted} GPU(s) a job, and jobs here may use 2 "
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode and len([text for text in said if line in text]) == 1
    assert not (project.folder / "ran.txt").exists()


def test_jobs_beside_cores_is_refused_since_nothing_would_count(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    done = project.snakemake("models", "--jobs", "9", check=False, cores=6)
    assert (
        done.returncode
        and "GPUs are not counted where --jobs stands beside --cores" in done.stdout + done.stderr
    )
    assert not (project.folder / "ran.txt").exists()


def test_what_needs_no_gpu_runs_without_one(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    project.snakemake("datasets", cores=1)


def test_slurm_is_asked_for_what_the_study_says(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    project.study["resources"] = {
        "gpu": 4,
        "gpu_model": "h100",
        "partition": "big",
        "account": "mine",
        "mem_mb": 9000,
    }
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
    for rule in ("dataset", "member", "impact", "alone", "cost"):
        assert {"slurm_account=mine", "mem_mb=2000", "runtime=60"} <= asked[rule]
        assert not [given for given in asked[rule] if given.startswith(("gpu", "slurm_partition"))]


@pytest.mark.parametrize(("gpu", "of_base", "kinds"), [(0, 8, {"base"}), (1, 0, {"x", "y"})])
def test_the_kind_of_gpu_is_asked_for_where_a_training_has_gpus(project, monkeypatch, gpu, of_base, kinds):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    trainings = {"base": {"gpu": of_base}}
    project.study["resources"] = {"gpu": gpu, "gpu_model": "h100", "trainings": trainings}
    shown = project.snakemake("models", "--dry-run", "--profile", "slurm", cores=None).stdout
    train = r"^rule train:\n(?:.+\n)*?    wildcards: .*model=(\w+)\n(?:.+\n)*?    resources: (.*)"
    asked = {model: set(resources.split(", ")) for model, resources in re.findall(train, shown, re.MULTILINE)}
    assert asked.keys() >= {"base", "x", "y"} and f"gpu={of_base}" in asked["base"]
    named = {model for model, resources in asked.items() if any("gpu_model" in one for one in resources)}
    assert named & {"base", "x", "y"} == kinds and "gpu_model=h100" in asked[min(kinds)]
