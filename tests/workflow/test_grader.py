"""A dataset scored by a grader: what runs again when the grader changes, and one such study for real."""

import copy
from collections import Counter

import pandas as pd
import pytest

from amongus.core.json_files import read_json
from harness import REPORT, Project
from micro import STUDY

pytestmark = pytest.mark.slow


def study():
    """One team, two methods; `knowledge` is scored by a grader; a job for each dataset."""
    made = copy.deepcopy(STUDY)
    models = {name: made["models"][name] for name in ("base", "x", "y")}
    models |= {name: copy.deepcopy(made["models"]["supervisor"]) for name in ("grader", "other")}
    made["datasets"]["knowledge"]["scored_by"] = "grader"
    return made | {
        "models": models,
        "supervisors": {"grader": "grader", "grader_tokens": 8},
        "attackers": {},
        "pools": {"clean": ["x", "y"]},
        "methods": {"debate": {"rounds": 2}, "soup": {}},
        "jobs": "per_dataset",
    }


def graded():
    """Jobs that a changed grader makes stale, beside its own training: of `knowledge` alone, and the report."""
    teams = ["clean-debate-knowledge", "clean-soup-knowledge"]
    return (
        Counter(f"grade_responses-{member}-knowledge" for member in "xy")
        + Counter([f"merge_weights-{teams[1]}"])
        + Counter(f"{rule}-{team}" for rule in ("collaborate", "grade_runs") for team in teams)
        + REPORT
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study made once by stubs: every file of scores by the one rule or by the other."""
    project = Project(tmp_path_factory.mktemp("graded"), study()).stub()
    first = project.run()
    assert first["grade_runs-clean-soup-knowledge"] == first["score_runs-clean-soup-reasoning"] == 1
    assert not [job for job in first if job.startswith("score_") and "knowledge" in job]
    assert not [job for job in first if job.startswith("grade_") and "reasoning" in job]
    return project


@pytest.fixture
def built(made):
    """The built project; a changed study is put back."""
    made.study = study()
    return made


def test_a_grader_trained_otherwise_scores_again_and_nothing_else_runs(built):
    built.study["models"]["grader"]["steps"] = 31
    assert built.pending() == graded() + Counter(["train-grader"])


def test_another_grader_scores_again_and_nothing_else_runs(built):
    built.study["supervisors"]["grader"] = "other"
    assert built.pending() == graded()


def test_scored_by_its_metric_again(built):
    del built.study["datasets"]["knowledge"]["scored_by"]
    # The questions and the answers stay.
    assert built.pending() == Counter(job.replace("grade_", "score_") for job in graded())


def test_the_graders_code_touches_what_it_scores(built):
    path = built.folder / "workflow" / "scripts" / "amongus" / "scoring" / "model_grader.py"
    text = path.read_text()
    built.edit(str(path.relative_to(built.folder)), 'GRADER = "grader"', 'GRADER = "the grader"')
    pending = built.pending()
    path.write_text(text)
    assert pending == graded()


def test_a_toy_grader_for_real(tmp_path):
    # Two members of one model: little to train.
    real = study() | {"methods": {"soup": {}}, "jobs": "per_team", "models": {"base": STUDY["models"]["base"]}}
    real["members"] = {member: {"model": "base"} for member in ("x", "y")}
    real["supervisors"]["grader"] = "base"
    del real["datasets"]["reasoning"]
    project = Project(tmp_path / "real", real)
    home = project.results / "seed-1"
    target = home / "scores" / "runs" / "clean" / "soup" / "knowledge.parquet"
    ran = project.run(str(target.relative_to(project.folder)))
    assert {"grade_responses-x", "grade_runs-clean-soup"} <= set(ran)
    scores = pd.read_parquet(target)
    read = scores["score"].isin([0.0, 1.0])
    assert len(scores) == 8 and (read | scores["reason"].str.contains("no decision")).all()
    costs = {rule: read_json(home / "costs" / rule / "clean.soup.json") for rule in ("merge_weights", "grade_runs")}
    # The soup answers six dev questions, which are put to the grader then. Blank answers need none.
    assert 6 < costs["merge_weights"]["prompts_asked"] <= 12
    assert costs["grade_runs"]["rule"] == "grade" and 0 < costs["grade_runs"]["prompts_asked"] <= 8
