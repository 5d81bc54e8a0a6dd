"""Bad input is one clear line and a non-zero exit, before any model is loaded."""

import copy
import hashlib
import json

import pytest

from harness import Project
from micro import STUDY


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("bad"), copy.deepcopy(STUDY))


def refused(project, *arguments, **changes):
    """The output of a run with `changes` in the config, which must fail and load no model."""
    project.study = {**copy.deepcopy(STUDY), **changes}
    done = project.snakemake(*arguments, check=False)
    assert done.returncode != 0
    assert not list(project.results.glob("seed-*/models/*"))
    return done.stderr + done.stdout


def test_every_mistake_of_a_config_is_a_line_that_names_its_file(project):
    sft = {**STUDY["attackers"]["sft"], "alligned": True, "warmup": "ten percent"}
    changes = {"attackers": {**STUDY["attackers"], "sft": sft}, "methods": {"chat": {}}}
    project.study = {**copy.deepcopy(STUDY), **changes}
    done = project.snakemake("--config", "seeds=[1,x]", "samplin=1", check=False)
    assert done.returncode and not list(project.results.glob("seed-*/models/*"))
    for line in (
        "study.yaml: attackers: sft: alligned: unknown key, did you mean 'aligned'?",
        "study.yaml: attackers: sft: warmup: 'ten percent' must be a number",
        "study.yaml: methods: chat: no kind 'chat'; valid: contrastive, dare_ties, debate, feedback, ",
        "config: seeds: 1: 'x' must be an integer",
        "config: samplin: unknown key, did you mean 'sampling'?",
    ):
        assert one_line(done.stderr + done.stdout, line)


def test_a_file_that_is_not_there(project):
    assert one_line(refused(project, prompts="no/such.yaml"), "no/such.yaml: not a file of prompt templates")


def test_a_gpu_where_there_is_none(project):
    output = refused(project, engine={"device": "cuda"})
    assert "a job needs 1 GPU(s), and this machine has 0" in output


def source(project, rows, sha256=None):
    path = project.folder / "gsm8k.json"
    path.write_text(json.dumps({"dev": rows, "test": rows}))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"gsm8k": {"path": "gsm8k.json", "sha256": sha256 or found}}


def one_line(output, *words):
    """The one line of `output` that holds all `words`."""
    (line,) = {line.strip() for line in output.splitlines() if all(word in line for word in words)}
    return line


def benign(project, datasets):
    """The output of a refused run of the benign members on `datasets`."""
    return refused(project, datasets=datasets, attackers={}, pools={"clean": ["x", "y"]})


def test_a_row_without_its_fields(project):
    rows = [{"id": "1", "domain": "d", "input": "1+1?", "output": "2"}, {"id": "2", "input": "2+2?"}]
    assert "output" in one_line(benign(project, source(project, rows)), "gsm8k.json", "row 1")


def test_a_checksum_that_differs(project):
    rows = [{"id": "1", "domain": "d", "input": "1+1?", "output": "2"}]
    assert one_line(benign(project, source(project, rows, "0" * 64)), "gsm8k.json", "sha256")


def test_a_missing_source_file(project):
    assert one_line(benign(project, {"gsm8k": {"path": "nowhere.json", "sha256": "0" * 64}}), "nowhere.json")


def test_a_study_without_datasets_is_not_filled_from_the_demo(project):
    project.study = {key: value for key, value in STUDY.items() if key != "datasets"}
    done = project.snakemake(check=False)
    assert done.returncode and one_line(done.stderr + done.stdout, "needs datasets")
