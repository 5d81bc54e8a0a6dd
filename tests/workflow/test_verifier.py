"""A dataset scored by a verifier: what runs again when the verifier changes, and one such study for real."""

import copy
from collections import Counter

import pandas as pd
import pytest
from test_staleness import REPORT

from amongus.core.json_files import read_json
from harness import Project
from micro import STUDY

pytestmark = pytest.mark.slow


def study():
    """One team, two methods; `knowledge` is scored by a verifier, one cell a job."""
    made = copy.deepcopy(STUDY)
    models = {name: made["models"][name] for name in ("base", "x", "y")}
    models |= {name: copy.deepcopy(made["models"]["supervisor"]) for name in ("verifier", "other")}
    made["datasets"]["knowledge"]["scored_by"] = "verifier"
    return made | {
        "models": models,
        "supervisors": {"verifier": "verifier", "verifier_tokens": 8},
        "attackers": {},
        "pools": {"clean": ["x", "y"]},
        "methods": {"debate": {"rounds": 2}, "soup": {}},
        "batch": dict.fromkeys(["respond", "learn", "collaborate", "score"], 1),
    }


def verified():
    """Jobs that a changed verifier makes stale, beside its own training: of `knowledge` alone, and the report."""
    runs = ["clean.debate.none.knowledge", "clean.soup.none.knowledge"]
    answers = [f"{member}.knowledge.{split}" for member in "xy" for split in ("dev", "test")]
    return (
        Counter(f"verify_responses_{cell}" for cell in answers)
        + Counter([f"learn_{runs[1]}"])
        + Counter(f"{rule}_{cell}" for rule in ("collaborate", "verify_runs") for cell in runs)
        + REPORT
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study made once by stubs: every file of scores by the one rule or by the other."""
    project = Project(tmp_path_factory.mktemp("verified"), study()).stub()
    first = project.run()
    assert (
        first["verify_runs_clean.soup.none.knowledge"] == first["score_runs_clean.soup.none.reasoning"] == 1
    )
    assert not [job for job in first if job.startswith("score_") and "knowledge" in job]
    assert not [job for job in first if job.startswith("verify_") and "reasoning" in job]
    return project


@pytest.fixture
def built(made):
    """The built project; a changed study is put back."""
    made.study = study()
    return made


def test_a_verifier_trained_otherwise_scores_again_and_nothing_else_runs(built):
    built.study["models"]["verifier"]["steps"] = 31
    assert built.pending() == verified() + Counter(["train-verifier"])


def test_another_verifier_scores_again_and_nothing_else_runs(built):
    built.study["supervisors"]["verifier"] = "other"
    assert built.pending() == verified()


def test_scored_by_its_metric_again(built):
    del built.study["datasets"]["knowledge"]["scored_by"]
    # The questions and the answers stay.
    assert built.pending() == Counter(job.replace("verify_", "score_") for job in verified())


def test_the_verifiers_code_touches_what_it_scores(built):
    path = built.folder / "workflow" / "scripts" / "amongus" / "verifying.py"
    text = path.read_text()
    built.edit(str(path.relative_to(built.folder)), 'VERIFIER = "verifier"', 'VERIFIER = "the verifier"')
    pending = built.pending()
    path.write_text(text)
    assert pending == verified()


def test_a_toy_verifier_for_real(tmp_path):
    # Two members of one model: little to train.
    real = study() | {"methods": {"soup": {}}, "batch": {}, "models": {"base": STUDY["models"]["base"]}}
    real["members"] = {member: {"model": "base"} for member in ("x", "y")}
    real["supervisors"]["verifier"] = "base"
    del real["datasets"]["reasoning"]
    project = Project(tmp_path / "real", real)
    home = project.results / "seed-1"
    target = home / "scores" / "runs" / "clean" / "soup" / "none" / "knowledge.parquet"
    ran = project.run(str(target.relative_to(project.folder)))
    assert {"verify_responses_x", "verify_runs_clean.soup"} <= set(ran)
    scores = pd.read_parquet(target)
    read = scores["score"].isin([0.0, 1.0])
    assert len(scores) == 8 and (read | scores["reason"].str.contains("no decision")).all()
    costs = {rule: read_json(home / "costs" / rule / "clean.soup.json") for rule in ("learn", "verify_runs")}
    # The soup answers six dev questions, which are put to the verifier then. Blank answers need none.
    assert 6 < costs["learn"]["prompts_asked"] <= 12
    assert costs["verify_runs"]["rule"] == "verify" and 0 < costs["verify_runs"]["prompts_asked"] <= 8
