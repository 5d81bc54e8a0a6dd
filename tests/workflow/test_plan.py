"""What the plan and the doctor say, beside what Snakemake would run."""

import copy
import re
from collections import Counter

import pytest
import yaml
from snakemake.utils import validate

import trials
from amongus.cli.estimate import plan
from amongus.study.study import Study
from checkout import ROOT
from harness import Project
from micro import STUDY

ONE_EACH = dict.fromkeys(("respond", "supervise", "learn", "collaborate", "score"), 1)
STUDIES = {
    "micro": STUDY,
    "demo": yaml.safe_load((ROOT / "config" / "demo.yaml").read_text()),
    "listwise judge, two seeds, single cells": {
        **STUDY,
        "seeds": [1, 2],
        "supervisors": {"judge": "judge", "judge_form": "listwise", "judge_orders": 2},
        "methods": {
            "llm_router": {"defences": ["judge"]},
            "debate": {"defences": ["self"]},
            "soup": {"defences": ["oracle"]},
        },
        "batch": ONE_EACH,
    },
    "weights alone": {
        **STUDY,
        "methods": {"soup": {"defences": ["judge"]}, "dare_ties": {}},
        "batch": {"score": 1, "respond": 2},
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("plan"), copy.deepcopy(STUDY))


def job_stats(output, rules):
    """Snakemake's own count of jobs, batches gathered under their rule."""
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total +(\d+)$", output, re.MULTILINE | re.DOTALL)
    found = Counter()
    for name, count in re.findall(r"^(\S+) +(\d+)$", table[1], re.MULTILINE):
        # The longest: `impact_figure` is no batch of `impact`.
        family = max((rule for rule in rules if f"{name}_".startswith(f"{rule}_")), key=len, default=name)
        found[family] += int(count)
    assert sum(found.values()) == int(table[2])
    return found


def test_batches_are_gathered_under_their_rule():
    output = "job   count\n----- -----\nall   1\nlearn_a.b 2\nlearn_c 1\nimpact 1\nimpact_figure 1\nnew_x 1\ntotal 7\n"
    known = ("all", "learn", "impact", "impact_figure", "score")
    expected = {"all": 1, "learn": 3, "impact": 1, "impact_figure": 1, "new_x": 1}
    assert job_stats(output, known) == expected


@pytest.mark.parametrize("name", STUDIES)
def test_the_plan_counts_the_jobs_that_a_dry_run_shows(project, name):
    project.study = copy.deepcopy(STUDIES[name])
    done = project.snakemake("--dry-run", "--quiet", "rules")
    config = copy.deepcopy(STUDIES[name])
    validate(config, str(ROOT / "config" / "schema.yaml"))
    jobs = plan(Study(config)).jobs
    assert job_stats(done.stdout + done.stderr, jobs) == jobs


def test_the_papers_jobs_are_as_planned_and_ask_for_gpus_where_they_run_a_model(project):
    study = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    project.study = copy.deepcopy(study)
    done = project.snakemake("--dry-run")
    validate(study, str(ROOT / "config" / "schema.yaml"))
    jobs = plan(Study(study)).jobs
    output = done.stdout + done.stderr
    assert job_stats(output, jobs) == jobs
    asked = Counter()
    for block in re.split(r"^(?=(?:local)?rule )", output, flags=re.MULTILINE)[1:]:
        name = re.match(r"(?:local)?rule ([\w.-]+):", block)[1]
        gpus = re.search(r"resources:.* gpu=(\d+)", block)
        asked[name.split("_")[0], int(gpus[1]) if gpus else 0] += 1
    models = {"train", "extract", "respond", "rewards", "rankings", "learn", "collaborate"}
    assert {name for name, gpus in asked if gpus} == models
    assert {name for name, gpus in asked if not gpus} & models == set()
    assert asked["train", 1] == asked["train", 8] == 1 and asked["collaborate", 1] == jobs["collaborate"]


def test_plan_and_doctor_answer_without_gpus_and_sources(project):
    """Where a run would be refused: GPUs that are not there, a source that is missing."""
    project.study = {
        **copy.deepcopy(STUDY),
        "engine": {"device": "cuda"},
        "datasets": {"coconot": {"path": "nowhere.json", "sha256": "0" * 64, "test": 3}},
        "attackers": {},
        "pools": {"clean": ["x", "y"]},
    }
    done = project.snakemake("plan", "doctor", "--quiet", "all", cores=1)
    assert re.search(r"^collaborate +8 ", done.stdout, re.MULTILINE)
    assert "GPU hours" in done.stdout and "how many dev questions" in done.stdout
    assert re.search(r"^missing +1 GPU", done.stdout, re.MULTILINE)
    assert re.search(r"^missing .*nowhere\.json", done.stdout, re.MULTILINE)
    assert re.search(r"^\d+ missing, \d+ to note, \d+ in order$", done.stdout, re.MULTILINE)
    assert not (project.results / "seed-1").exists() and not (project.results / "datasets").exists()
    refused = project.snakemake("models", check=False)
    assert refused.returncode and "this machine has none" in refused.stderr + refused.stdout


def test_the_targets_for_both_say_what_is_wrong_with_a_config(project):
    (project.folder / "wrong.yaml").write_text("study: wrong\nseedz: [1]\n")
    for target in ("plan", "doctor"):
        done = trials.call(project, target, "CONFIG=wrong.yaml")
        assert done.returncode and "unknown key 'seedz'" in done.stderr, done.stdout + done.stderr
    done = trials.call(project, "doctor", "CONFIG=config/demo.yaml")
    assert done.stdout.strip().startswith("Study demo on ") and not done.stderr
