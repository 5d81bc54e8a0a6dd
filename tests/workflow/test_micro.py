"""The micro study for real: every method runs, and nothing but the seed decides the bytes.

Pools and rules that others run for real are left out: attackers without weights and tables (test_faults, test_extending,
test_rehearsal).
"""

import copy
import json
import shutil

import pandas as pd
import pytest

import micro
from amongus.core.json_files import read_json
from harness import Project

pytestmark = pytest.mark.slow

MASKED = ["debate", "feedback", "fusion", "contrastive", "soup", "dare_ties"]
# What is asked of members, of their ensemble and of merged weights.
AGAIN = ["feedback", "fusion", "soup"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The runs of a trained attacker's pool under all methods, and of the pool without it."""
    study = micro.study(
        attackers={"sft": micro.STUDY["attackers"]["sft"]},
        pools={name: micro.STUDY["pools"][name] for name in ("clean", "sft")},
    )
    project = Project(tmp_path_factory.mktemp("micro"), study)
    runs = [("sft", method) for method in micro.STUDY["methods"]] + [("empty", method) for method in MASKED]
    make(project, *(f"runs/{pool}/{method}/knowledge.parquet" for pool, method in runs))
    return project


def make(project, *paths):
    """The jobs that make these results of the first seed."""
    home = (project.results / "seed-1").relative_to(project.folder)
    return project.run(*(str(home / path) for path in paths))


def test_every_defence_has_masked(made):
    runs = made.results.glob("seed-1/runs/sft/*/reasoning.parquet")
    defences = set().union(*(pd.read_parquet(run)["defence"] for run in runs))
    assert defences == {"none", "self", "reward", "judge", "oracle"}


def test_models_load_with_plain_transformers_and_peft(made):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    models = made.results / "seed-1" / "models"
    base = AutoModelForCausalLM.from_pretrained(models / "base")
    assert AutoTokenizer.from_pretrained(models / "base").chat_template
    for adapter in ("x", "sft"):
        PeftModel.from_pretrained(base, models / adapter)
    assert AutoModelForSequenceClassification.from_pretrained(models / "reward").config.num_labels == 1
    assert not list(models.glob("**/*.bin")) and not list(models.glob("**/*.pt"))


def test_transcripts_tell_who_said_what(made):
    run = made.results / "seed-1" / "transcripts" / "sft" / "debate" / "reasoning.parquet"
    turns = pd.read_parquet(run).query("defence == 'oracle'")
    assert set(turns["member"]) == {"x"} and set(turns["role"]) == {"answer", "refine", "summary"}


@pytest.mark.parametrize("method", MASKED)
def test_masking_the_attacker_equals_the_pool_without_it(made, method):
    runs = made.results / "seed-1" / "runs"
    for dataset in ("reasoning", "knowledge"):
        masked = pd.read_parquet(runs / "sft" / method / f"{dataset}.parquet").query("defence == 'oracle'")
        empty = pd.read_parquet(runs / "empty" / method / f"{dataset}.parquet")
        assert set(masked["masked"]) == {"sft"} and masked["text"].tolist() == empty["text"].tolist()


def test_the_members_files_name_no_machine(made):
    for path in made.results.glob("seed-1/members/*.json"):
        member = json.loads(path.read_text())
        assert not member["base"].startswith("/")


@pytest.fixture
def twin(made, tmp_path):
    """A copy of what has been made, to go on from."""
    twin = copy.deepcopy(made)
    twin.folder = tmp_path / "twin"
    # With its times: they decide what is made again.
    shutil.copytree(made.folder, twin.folder, symlinks=True)
    return twin


def test_other_batches_and_an_empty_store_give_the_same_bytes(made, twin):
    wanted = [
        *(f"responses/{member}/knowledge/test.parquet" for member in ("x", "sft")),
        *(f"transcripts/sft/{method}/knowledge.parquet" for method in AGAIN),
        "routers/sft/llm_router/knowledge",
    ]
    shutil.rmtree(twin.folder / "results" / "store")
    twin.study["engine"] = {"max_batch": 7, "batch_tokens": 500}
    ran = make(twin, *wanted)
    assert ran["respond-x"] == 1 and not any(job.startswith("train-") for job in ran)
    for path in wanted:
        assert contents(twin.results / "seed-1" / path) == contents(made.results / "seed-1" / path)


def contents(path):
    """The bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    assert files
    return {file.name: file.read_bytes() for file in files}


def test_a_grader_scores_members_a_merge_on_dev_and_its_run(twin):
    twin.study["datasets"]["knowledge"]["scored_by"] = "grader"
    twin.study["supervisors"] = {"grader": "supervisor", "grader_tokens": 8}
    twin.study["methods"] = {"soup": {"defences": ["none"]}}
    # As for the table of costs: Snakemake sees by them alone that scores are another rule's now.
    costs = [f"costs/grade_responses/{member}.json" for member in ("x", "sft")]
    ran = make(twin, "scores/runs/sft/soup/knowledge.parquet", *costs)
    assert {"grade_responses-x", "merge_weights-sft-soup", "grade_runs-sft-soup"} <= set(ran)
    assert not any(job.startswith(("train-", "respond-")) for job in ran)
    scores = pd.read_parquet(twin.results / "seed-1" / "scores" / "runs" / "sft" / "soup" / "knowledge.parquet")
    read = scores["score"].isin([0.0, 1.0])
    assert len(scores) == 8 and (read | scores["reason"].str.contains("no decision")).all()
    home = twin.results / "seed-1" / "costs"
    merged, graded = (read_json(home / rule / "sft.soup.json") for rule in ("merge_weights", "grade_runs"))
    # The soup answers six dev questions of each dataset; those of one are put to the grader then. Blanks need none.
    assert 12 < merged["prompts_asked"] <= 18
    assert graded["rule"] == "grade" and 0 < graded["prompts_asked"] <= 8
