"""Models of the hub in a study's config, and pinning them."""

import copy
import subprocess

import pytest

import fake_hub
import micro
from amongus.core.errors import StudyError
from amongus.hub.pin import pin
from amongus.study.hub_references import UNPINNED
from amongus.study.loading import load_study
from amongus.study.targets import cost_files
from checkout import ROOT
from repositories import checkpoint

COMMIT = "a" * 40
BASE = {"kind": "hub", "repo": "owner/base", "revision": COMMIT, "gigabytes": 15.2}
EXPERT = {"kind": "hub_adapter", "base": "base", "repo": "some/expert", "revision": UNPINNED}


def study(**models):
    config = copy.deepcopy(micro.STUDY)
    config["models"] |= {"base": BASE, "x": EXPERT, **models}
    return load_study(config)


def test_fetched_models_are_not_trained_and_have_no_costs():
    s = study()
    assert set(s.fetched) == {"base", "x"} and not set(s.fetched) & set(s.trained)
    assert {"y", "sft", "supervisor"} <= set(s.trained)
    costs = {path.rsplit("/", 1)[1] for path in cost_files(s) if "/train/" in path}
    assert "y.json" in costs and not {"base.json", "x.json"} & costs
    assert s.weights("x") == {"base": "base", "adapter": "x"}
    assert s.parents("y") == {"base": "base"} and s.parents("x") == {"base": "base"}


def test_an_adapter_must_name_its_bases_repository_or_what_it_was_trained_on():
    wanted = {"repo": "some/expert", "revision": UNPINNED, "lora": True}
    assert study().repository("x") == {**wanted, "base": "owner/base"}
    assert study(x={**EXPERT, "trained_on": "/home/b"}).repository("x") == {**wanted, "base": "/home/b"}
    assert study(base=micro.STUDY["models"]["base"]).repository("x") == {**wanted, "base": None}
    assert study(base={**BASE, "related": ["x"]}).repository("base") == study().repository("base")
    assert study().repository("base") == {"repo": "owner/base", "revision": COMMIT, "lora": False, "base": None}


CONFIG = f"""# A study. Comments stay.
models:
  base: &base {{kind: hub, repo: owner/base, revision: unpinned}}  # the base
  same: *base
  old: {{kind: hub, repo: owner/base, revision: {COMMIT}}}
  x:
    kind: hub_adapter   # unpinned stands here too
    revision: "unpinned"
    repo: some/expert

    base: base
"""


def test_pinning_edits_nothing_but_the_revisions(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_bytes(CONFIG.replace("\n", "\r\n").encode())
    asked = []

    def commit_of(repo):
        asked.append(repo)
        return {"owner/base": "b" * 40, "some/expert": "c" * 40}[repo]

    assert pin(path, commit_of) == {"owner/base": "b" * 40, "some/expert": "c" * 40}
    assert len(asked) == 2
    expected = CONFIG.replace("base, revision: unpinned", "base, revision: " + "b" * 40)
    expected = expected.replace('"unpinned"', "c" * 40).replace("\n", "\r\n")
    assert path.read_bytes().decode() == expected
    assert pin(path, commit_of) == {} and path.read_bytes().decode() == expected
    path.write_text("a: &x {b: *x, repo: owner/base, revision: unpinned}")
    assert pin(path, commit_of) == {"owner/base": "b" * 40}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: {revision: unpinned}", "line 1: a revision without its repo"),
        ("a: {revision: unpinned, repo: x}", "repo 'x' must be owner/name"),
        ("a: [", "cannot be read"),
    ],
)
def test_what_cannot_be_pinned_is_left_as_it_is(tmp_path, text, line):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(StudyError, match=line):
        pin(path, lambda repo: "b" * 40)
    assert path.read_text() == text


def test_make_pin_asks_the_hub(tmp_path):
    """The command of the Makefile, against a hub on loopback."""
    path = tmp_path / "study.yaml"
    path.write_text("models:\n  base: {repo: owner/base, revision: unpinned}  # pinned by make\n")
    with fake_hub.running() as hub:
        commit = hub.add("owner/base", checkpoint())
        command = ["make", "-s", "-o", ".venv/.installed", "pin", f"CONFIG={path}"]
        environment = {"PATH": "/usr/bin:/bin", "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == f"{path}: owner/base {commit}"
        assert path.read_text() == f"models:\n  base: {{repo: owner/base, revision: {commit}}}  # pinned by make\n"
        path.write_text("{repo: some/body, revision: unpinned}")
        failed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert failed.returncode and "Error: some/body: no such repository" in failed.stderr
