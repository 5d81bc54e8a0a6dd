"""What runs again when what scores a dataset changes: its grader, or the libraries that scored code may import."""

from collections import Counter

import pytest

import micro
from harness import REPORT, Project

pytestmark = pytest.mark.slow


def study():
    """One team, two methods, a job for each dataset: one scored by its metric, one by a grader, one by its code."""
    knowledge = micro.STUDY["datasets"]["knowledge"] | {"scored_by": "grader"}
    code = {"url": "http://localhost/ds1000.json", "sha256": "0" * 64, "dev": 2, "test": 2}
    supervisor = micro.STUDY["models"]["supervisor"]
    return micro.study(
        datasets=micro.STUDY["datasets"] | {"knowledge": knowledge, "ds1000": code},
        models=micro.models("base", "x", "y") | {"grader": supervisor, "other": {**supervisor}},
        supervisors={"grader": "grader", "grader_tokens": 8},
        attackers={},
        pools={"clean": ["x", "y"]},
        methods={"debate": {"rounds": 2}, "soup": {}},
        jobs="per_dataset",
    )


def scores(rule, dataset):
    """Jobs that are stale with a dataset's scores, its soup chosen on them among them; the report is too."""
    teams = [f"clean-debate-{dataset}", f"clean-soup-{dataset}"]
    return (
        Counter(f"{rule}_responses-{member}-{dataset}" for member in "xy")
        + Counter([f"merge_weights-{teams[1]}"])
        + Counter(f"{job}-{team}" for job in ("collaborate", f"{rule}_runs") for team in teams)
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study made once by stubs: every file of scores by the one rule or by the other."""
    project = Project(tmp_path_factory.mktemp("scorers"), study()).stub()
    first = project.run()
    assert scores("grade", "knowledge") + scores("score", "reasoning") + scores("score", "ds1000") <= first
    assert not {"grade_responses-x-reasoning", "score_responses-x-knowledge"} & set(first)
    return project


@pytest.fixture
def built(made):
    """The built project; whatever a test changes in it is undone."""
    with made.unchanged():
        yield made


def test_a_grader_trained_otherwise_scores_again_and_nothing_else_runs(built):
    built.study["models"]["grader"]["steps"] = 31
    assert built.pending() == scores("grade", "knowledge") + REPORT + Counter(["train-grader"])


def test_another_grader_scores_again_and_nothing_else_runs(built):
    built.study["supervisors"]["grader"] = "other"
    assert built.pending() == scores("grade", "knowledge") + REPORT


def test_scored_by_its_metric_again(built):
    del built.study["datasets"]["knowledge"]["scored_by"]
    # The questions and the answers stay.
    assert built.pending() == scores("score", "knowledge") + REPORT


def test_the_graders_code_touches_what_it_scores(built):
    built.edit("scoring/model_grader.py", 'GRADER = "grader"', 'GRADER = "the grader"')
    assert built.pending() == scores("grade", "knowledge") + REPORT


def test_a_library_installed_later_scores_what_may_import_it_and_nothing_else(built, monkeypatch, tmp_path):
    (tmp_path / "gensim.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert built.pending() == scores("score", "ds1000") + REPORT
