"""Members from a hub on loopback, by real Snakemake: fetched once, shared by seeds, and never again."""

import json
from collections import Counter

import pandas as pd
import pytest

import fake_hub
import micro
import tiny
from amongus.members.member import fingerprint_directory
from harness import Project

pytestmark = pytest.mark.slow

BASE, X, Y = "owner/base", "owner/x", "someone/y"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with a tiny base, beside which a pickle lies, and two adapters for it."""
    folder = tmp_path_factory.mktemp("models")
    base = tiny.checkpoint(folder / "base")
    (folder / "base" / "pytorch_model.bin").write_bytes(b"pickle")
    with fake_hub.running() as hub:
        hub.add(BASE, base)
        for seed, repo in enumerate((X, Y), start=1):
            hub.add(repo, tiny.adapter(folder / repo, base, seed=seed, named=BASE))
        yield hub


@pytest.fixture(scope="module")
def project(hub, tmp_path_factory):
    def adapter(repo):
        return {"kind": "hub_adapter", "base": "base", "repo": repo, "revision": hub.commits[repo]}

    study = {
        **micro.study(seeds=[1, 2]),
        "models": {
            "base": {"kind": "hub", "repo": BASE, "revision": hub.commits[BASE]},
            "x": adapter(X),
            "y": adapter(Y),
        },
        "attackers": {
            "prompt": {"kind": "prompt", "persona": "malicious"},
            "found": {"kind": "checkpoint", "model": "x"},
        },
        "pools": {"clean": ["x", "y"], "prompt": ["x", "prompt"], "found": ["x", "found"]},
        "supervisors": {},
        "methods": {"debate": {"rounds": 2}},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("home")))
        yield Project(tmp_path_factory.mktemp("hub"), study)


@pytest.fixture(scope="module")
def answers(project):
    """One member's answers, whose rule loads what was fetched."""
    return project.results / "seed-1" / "responses" / "x" / "reasoning" / "test.parquet"


@pytest.fixture(scope="module")
def made(project, answers):
    """The jobs of the first run."""
    return project.run("models", str(answers.relative_to(project.folder)))


def test_each_repository_is_fetched_once_and_taken_over_by_each_seed(project, hub, made):
    assert {name: count for name, count in made.items() if name.startswith("download_model")} == {
        f"download_model-{name}": 1 for name in ("base", "x", "y")
    }
    assert {name: count for name, count in made.items() if name.startswith("link_model")} == {
        f"link_model-{name}": 2 for name in ("base", "x", "y")
    }
    assert sum(count for name, count in made.items() if name.startswith("member")) == 8
    assert not [name for name in made if name.startswith("train")]
    assert "pytorch_model.bin" not in hub.downloads()
    found = json.loads((project.results / "seed-1" / "members" / "found.json").read_text())
    assert found["adapter"].endswith("models/x")
    fetched = project.results / "hub" / "base" / "model.safetensors"
    assert fetched.stat().st_nlink == 3
    for seed in (1, 2):
        folder = project.results / f"seed-{seed}" / "models" / "base"
        assert (folder / "model.safetensors").samefile(fetched)
        told = json.loads((folder / "fingerprint.json").read_text())["fingerprint"]
        assert told == fingerprint_directory(folder)


def test_what_was_fetched_answers(made, answers):
    texts = pd.read_parquet(answers)
    assert len(texts) == 8 and texts["n_tokens"].gt(0).all()


def test_nothing_runs_again_and_a_size_that_is_only_planned_with_changes_nothing(project, made, answers):
    # Nor does it matter which way what is pinned comes.
    with project.unchanged():
        project.study |= {"hub_folder": "/elsewhere", "datasets_folder": "/elsewhere"}
        project.study["models"]["x"]["gigabytes"] = 0.1
        assert project.pending("models", str(answers.relative_to(project.folder))) == Counter()


def test_another_commit_reaches_that_adapter_alone(project, made):
    with project.unchanged():
        project.study["models"]["y"]["revision"] = "b" * 40
        pending = project.pending("models")
    # The attacker stands on the adapter of the member whose place it takes.
    assert pending == Counter({"download_model-y": 1, "link_model-y": 2, "member-y": 2, "member-prompt": 2})


@pytest.mark.parametrize("script", ["download_model", "link_model"])
def test_the_rules_own_scripts_are_seen(project, made, script):
    with project.unchanged():
        project.edit(f"../{script}.py", "\n", "\nprint()\n")
        pending = project.pending("models")
    assert pending["link_model-base"] == 2 and pending["download_model-base"] == (script == "download_model")


def test_an_adapter_of_another_base_and_what_is_not_pinned_stop_in_one_line(project, made):
    with project.unchanged():
        project.study["models"]["y"]["trained_on"] = "another/base"
        project.study["models"]["x"]["revision"] = "unpinned"
        done = project.snakemake("models", "--keep-going", check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode and len(lines) == 2
    assert any("names the base 'owner/base', the study 'another/base'" in line for line in lines)
    assert any(f"{X}: its revision is not pinned" in line and "make pin CONFIG=" in line for line in lines)
