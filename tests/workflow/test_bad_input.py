"""Bad input is one clear line and a non-zero exit, before any model is loaded."""

import hashlib
import json

import pytest

import micro
from harness import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("bad"), micro.study())


def refused(project, *arguments, **changes):
    """The lines of a run with `changes` in the config, which must fail and load no model."""
    project.study = {key: value for key, value in micro.study(**changes).items() if value is not None}
    done = project.snakemake(*arguments, check=False)
    assert done.returncode and not list(project.results.glob("seed-*/models/*"))
    return {line.strip() for line in (done.stderr + done.stdout).splitlines()}


def test_every_mistake_of_a_config_is_a_line_that_names_its_file(project):
    sft = micro.STUDY["attackers"]["sft"] | {"answer": "right", "warmup": "ten percent"}
    changes = {"attackers": micro.STUDY["attackers"] | {"sft": sft}, "methods": {"chat": {}}}
    told = refused(project, "--config", "seeds=[1,x]", "samplin=1", **changes)
    for words in (
        "study.yaml: attackers: sft: answer: unknown key, did you mean 'answers'?",
        "study.yaml: attackers: sft: warmup: 'ten percent' must be a number",
        "study.yaml: methods: chat: no kind 'chat'; valid: contrastive, dare_ties, debate, feedback, ",
        "config: seeds: 1: 'x' must be an integer",
        "config: samplin: unknown key, did you mean 'sampling'?",
    ):
        assert len([line for line in told if words in line]) == 1, words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": "no/such.yaml"}, "no/such.yaml: cannot be read (No such file or directory)"),
        ({"engine": {"device": "cuda"}}, "a job needs 1 GPU(s), and this machine has 0"),
        # It is not filled from the demo.
        ({"datasets": None}, "needs datasets"),
    ],
)
def test_what_is_not_there(project, changes, words):
    assert [line for line in refused(project, **changes) if words in line]


def test_a_row_without_its_fields(project):
    rows = [{"id": "1", "domain": "d", "input": "1+1?", "output": "2"}, {"id": "2", "input": "2+2?"}]
    path = project.folder / "gsm8k.json"
    path.write_text(json.dumps({"dev": rows, "test": rows}))
    source = {"path": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    told = refused(project, datasets={"gsm8k": source}, attackers={}, pools={"clean": ["x", "y"]})
    (line,) = (line for line in told if "gsm8k.json" in line and "row 1" in line)
    assert "output" in line
