"""docs/extending.md, followed word by word: a method, a defence, an attacker and a dataset of one's own."""

import re
import subprocess

import pandas as pd
import pytest
import yaml

import micro
import recompute
from checkout import ROOT
from harness import Project, jobs

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "extending.md").read_text()


def examples():
    """File -> content of every fenced block that is introduced by a path of `extras/`."""
    blocks = re.findall(r"`(extras/[\w.]+)`:\n\n```(?:python|yaml)\n(.*?)```", PAGE, re.DOTALL)
    return dict(blocks)


def small_demo():
    """The demo with its names, as small as the micro study, and without attackers of its own."""
    demo = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    # One expert for all members, which so share its answers.
    demo["models"] = {"base": micro.STUDY["models"]["base"], "expert": micro.STUDY["models"]["x"]}
    demo["members"] = {name: {"model": "expert"} for name in demo["pools"]["clean"]}
    for dataset in demo["datasets"].values():
        dataset.update(dev=4, test=5)
    return {
        **demo,
        "attackers": {},
        "supervisors": {},
        "pools": {"clean": demo["pools"]["clean"]},
        "methods": {"soup": {}},
        "sampling": {"max_new_tokens": 8},
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("extending"), {**small_demo(), "study": "mine"})
    (project.folder / "config" / "demo.yaml").write_text(yaml.safe_dump(small_demo(), sort_keys=False))
    for path, content in examples().items():
        file = project.folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    return project


def command():
    """The page's command line that uses the examples."""
    (line,) = re.findall(r"^    (snakemake .*extras/add\.yaml)$", PAGE, re.MULTILINE)
    return line.split()


def test_what_the_page_adds_runs_and_reaches_the_tables(project):
    done = subprocess.run(
        command(), cwd=project.folder, env=project.environment(), capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:] + project.logs()
    mitigation = pd.read_csv(project.results / "tables" / "mitigation.csv")
    assert {"vote"} <= set(mitigation["method"]) and {"loner", "oracle"} <= set(mitigation["defence"])
    impact = pd.read_csv(project.results / "tables" / "impact.csv")
    assert {"told"} <= set(impact["pool"]) and {"colours"} <= set(impact["dataset"])
    rows = impact[(impact["method"] == "vote") & (impact["dataset"] == "colours")]
    assert rows["n"].tolist() == [3]
    # What is told has no weights to merge.
    soup = impact[(impact["method"] == "soup") & (impact["pool"] == "told")]
    assert len(soup) and not soup["applicable"].any() and soup["score"].isna().all()
    primary = pd.read_csv(project.results / "tables" / "malice.csv")
    assert set(primary["method"]) == {"vote"} and recompute.differences(project.results) == []


def test_a_comment_in_ones_own_file_reruns_nothing_and_code_what_reads_it(project):
    path = project.folder / "extras" / "loner.py"
    text = path.read_text()
    path.write_text("# why\n" + text)
    dry = [*command(), "--dry-run"]
    run = {"cwd": project.folder, "env": project.environment(), "capture_output": True, "text": True}
    assert "Nothing to be done" in "".join(subprocess.run(dry, **run).stdout)
    path.write_text(text.replace("loners[-1]", "loners[0]"))
    pending = jobs(subprocess.run(dry, **run).stdout)
    path.write_text(text)
    assert {"collaborate-told-vote", "merge_weights-clean-soup"} <= set(pending)
    assert not {"train", "respond"} & {job.split("-")[0] for job in pending}
