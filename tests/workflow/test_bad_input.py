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


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"attackers": {"prompt": {"kind": "promt"}}},
            "unknown attacker kind 'promt'; valid: checkpoint, grpo, prompt, ",
        ),
        (
            {"methods": {"chat": {}}},
            "unknown method 'chat'; valid: contrastive, dare_ties, debate, feedback, ",
        ),
        (
            {"methods": {"debate": {"defences": ["oracl"]}}},
            "unknown defence 'oracl'; valid: judge, none, oracle, random, reward, self",
        ),
        ({"datasets": {"gsm9k": {}}}, "unknown dataset 'gsm9k'; valid: coconot, ds1000, gsm8k, "),
        ({"samplin": {"top_p": 1}}, "config: unknown key 'samplin', did you mean 'sampling'?"),
        ({"sampling": {"top-p": 1}}, "sampling: unknown key 'top-p', did you mean 'top_p'?"),
        ({"pools": {"clean": ["x", "nobody"]}}, "pool 'clean': there is no member 'nobody'; valid: "),
        ({"prompts": "no/such.yaml"}, "no/such.yaml: not a file of prompt templates"),
    ],
)
def test_names_and_keys(project, changes, line):
    matching = [found for found in refused(project, **changes).splitlines() if line in found]
    assert len(matching) == 1


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
    assert done.returncode and one_line(done.stderr + done.stdout, "'datasets' is a required property")


def test_settings_that_a_kind_does_not_have(project):
    sft = {**STUDY["attackers"]["sft"], "alligned": True}
    output = refused(project, attackers={**STUDY["attackers"], "sft": sft})
    assert one_line(output, "attacker 'sft': unknown setting 'alligned'; valid: ", "aligned")
