"""Stale means stale: the exact jobs after a change, with real Snakemake, a job for a team or for each of its datasets.

Scripts are replaced by stubs that make their outputs at once: what is tested is which jobs run, not what they
compute. `test_micro.py` runs the real ones.
"""

import os
import re
from collections import Counter
from itertools import product

import pytest

import micro
from harness import REPORT, Project
from harness import jobs as announced

pytestmark = pytest.mark.slow

# Enough of the micro study for each case: a pool whose attacker has weights of its own and one whose attacker has none.
METHODS = ["llm_router", "graph_router", "debate", "contrastive", "soup", "dare_ties"]
STUDY = micro.study(
    attackers={name: micro.STUDY["attackers"][name] for name in ("steering", "sft")},
    pools={name: micro.STUDY["pools"][name] for name in ("clean", "steering", "sft")},
    methods={name: micro.STUDY["methods"][name] for name in METHODS},
)
# What reads the teams' answers; `alone` reads the members'.
RUN_REPORT = REPORT - Counter(["table-alone"])
MEMBERS = ["x", "y", "steering", "sft"]
POOLS = ["clean", "steering", "sft", "empty"]
DATASETS = ["reasoning", "knowledge"]
ROUTERS, MERGES = ["llm_router", "graph_router"], ["soup", "dare_ties"]
TEAMS = [(pool, method) for pool, method in product(POOLS, METHODS) if pool != "steering" or method not in MERGES]
# The judge is asked about dev where a merge is defended by it, so about members of pools with weights of their own.
SPLITS = {"verdicts": {"steering": ["test"]}}
# Scripts that this study's rules do not run: its judge is asked about each answer, and nothing is downloaded.
UNUSED = {"rankings", "grade", "download_model", "link_model", "training_data", "published_vector"}
# The other scripts, in stages: none makes what another of its stage reads, so that each is seen by itself.
SCRIPTS = [
    ("dataset", "train"),
    ("extract_vector",),
    ("member",),
    ("respond",),
    ("rewards", "verdicts", "score"),
    ("train_router", "merge_weights"),
    ("collaborate",),
    ("table",),
    ("figure", "viewer"),
]


class Jobs:
    """A study's jobs, counted by hand: of members and of teams, whole or for each dataset."""

    def __init__(self, per_dataset):
        self.per_dataset = per_dataset

    def ends(self, datasets):
        return [f"-{dataset}" for dataset in datasets] if self.per_dataset else [""]

    def _named(self, names, datasets):
        return Counter(f"{name}{end}" for name, end in product(names, self.ends(datasets)))

    def answers(self, members=MEMBERS, datasets=DATASETS):
        """The jobs from a member's answers to what supervisors give them."""
        answered = [f"{rule}-{member}" for rule, member in product(["respond", "score_responses"], members)]
        return self._named(answered, datasets) + Counter(
            f"{rule}-{member}{end}-{split}"
            for rule, member, end in product(["rewards", "verdicts"], members, self.ends(datasets))
            for split in SPLITS.get(rule, {}).get(member, ["dev", "test"])
        )

    def scores(self, datasets=DATASETS):
        return self._named([f"score_responses-{member}" for member in MEMBERS], datasets)

    def learned(self, teams, datasets=DATASETS):
        rules = {**dict.fromkeys(ROUTERS, "train_router"), **dict.fromkeys(MERGES, "merge_weights")}
        names = [f"{rules[method]}-{pool}-{method}" for pool, method in teams if method in rules]
        return self._named(names, datasets)

    def runs(self, teams, datasets=DATASETS):
        rules = ["collaborate", "score_runs"]
        return self._named([f"{rule}-{pool}-{method}" for rule, (pool, method) in product(rules, teams)], datasets)

    def teams(self, pools=POOLS, methods=METHODS, datasets=DATASETS):
        """The jobs of teams, from what they learn to their scores."""
        teams = [(pool, method) for pool, method in TEAMS if pool in pools and method in methods]
        return self.learned(teams, datasets) + self.runs(teams, datasets)


@pytest.fixture(scope="module", params=["per_team", "per_dataset"])
def built(request, tmp_path_factory):
    """A study made once by stubs, and how its jobs are named."""
    jobs = Jobs(request.param == "per_dataset")
    project = Project(tmp_path_factory.mktemp("staleness"), {**STUDY, "jobs": request.param}).stub()
    models = ["base", "supervisor", "x", "y", "reward", "judge", "sft"]
    assert project.run() == (
        Counter(["extract_vector-steering", *(f"dataset-{dataset}" for dataset in DATASETS)])
        + Counter(f"train-{model}" for model in models)
        + Counter(f"member-{member}" for member in MEMBERS)
        + jobs.answers()
        + jobs.teams()
        + REPORT
    )
    return project, jobs


@pytest.fixture
def made(built):
    """The built project; whatever a test changes in it is undone."""
    with built[0].unchanged():
        yield built[0]


@pytest.fixture
def jobs(built):
    return built[1]


# Where a job for a team and one for a dataset are the same.
once = pytest.mark.parametrize("built", ["per_team"], indirect=True)


def test_comments_docstrings_layout_and_a_default_that_is_written_out(made):
    made.edit("methods/debate.py", '"""Debate', '"""Talk')
    made.edit("methods/debate.py", "    masked, answers", "    # why\n    masked, answers")
    made.edit("inference/engine.py", "import sys\n", "\n# sys\nimport sys\n")
    made.edit("scoring/metrics/exact.py", '"""', '"""New. ')
    made.edit("../respond.py", "\n", "\n# a comment\n")
    made.study["sampling"]["temperature"] = 0.7
    made.study["methods"]["debate"]["fidelity"] = "corrected"
    assert made.pending() == Counter()


def test_one_attackers_training_parameter(made, jobs):
    made.study["attackers"]["sft"]["learning_rate"] = 0.5
    assert made.pending() == (
        Counter(["train-sft", "member-sft"]) + jobs.answers(["sft"]) + jobs.teams(["sft"]) + REPORT
    )


def test_one_defences_code(made, jobs):
    made.edit("defences/reward.py", "def decide(", "NEW = 1\n\n\ndef decide(")
    pools = [pool for pool in POOLS if pool != "empty"]
    runs = [(pool, method) for pool, method in TEAMS if pool in pools and method in ("llm_router", "debate")]
    assert made.pending() == jobs.runs(runs) + jobs.teams(pools, ["dare_ties"]) + RUN_REPORT


def test_a_scorer(made, jobs):
    made.edit("scoring/metrics/boxed.py", "def score(", "NEW = 1\n\n\ndef score(")
    assert made.pending() == Counter()  # No dataset of the study is scored by it.
    made.edit("scoring/metrics/exact.py", "def score(", "NEW = 1\n\n\ndef score(")
    assert made.pending() == jobs.scores(DATASETS) + jobs.teams(datasets=DATASETS) + REPORT


def test_a_new_attacker_in_the_config(made, jobs):
    made.study["attackers"]["worse"] = {**made.study["attackers"]["sft"], "steps": 9}
    made.study["pools"]["worse"] = ["x", "worse"]
    teams = [("worse", method) for method in METHODS]
    assert made.pending() == (
        Counter(["train-worse", "member-worse"])
        + jobs.answers(["worse"])
        + jobs.learned(teams)
        + jobs.runs(teams)
        + REPORT
    )


def test_a_new_dataset_in_the_config(made, jobs):
    made.study["datasets"]["safety"] = {"kind": "toy", "domain": "safety", "dev": 4, "test": 4}
    added = ["safety"] if jobs.per_dataset else DATASETS
    assert made.pending() == (
        Counter(["dataset-safety"]) + jobs.answers(datasets=added) + jobs.teams(datasets=added) + REPORT
    )


@once
def test_every_rules_own_script_is_seen(made):
    scripts = made.folder / "workflow" / "scripts"
    assert {path.stem for path in scripts.glob("[a-z]*.py")} == UNUSED.union(*SCRIPTS)
    for stage in SCRIPTS:
        with made.unchanged():
            for path in (scripts / f"{name}.py" for name in stage):
                path.write_text(path.read_text() + "\nprint()\n")
            rules = {job.split("-")[0] for job in made.pending()}
        assert {{"score": "score_runs"}.get(name, name) for name in stage} <= rules, stage


def test_another_form_of_the_judge(made, jobs):
    made.study["supervisors"]["judge_form"] = "listwise"
    attacked = [pool for pool in POOLS if pool != "empty"]
    # On dev where a merge is defended.
    asked = [*product(attacked, ["test"]), ("clean", "dev"), ("sft", "dev")]
    rankings = Counter(f"rankings-{p}{end}-{split}" for (p, split), end in product(asked, jobs.ends(DATASETS)))
    judged = jobs.teams(attacked, ["debate", "contrastive", "soup"])
    assert made.pending() == rankings + judged + REPORT


def test_one_methods_setting(made, jobs):
    made.study["methods"]["debate"]["rounds"] = 4
    assert made.pending() == jobs.teams(methods=["debate"]) + RUN_REPORT


def test_sampling_remakes_no_training(made, jobs):
    made.study["sampling"]["temperature"] = 0.9
    assert made.pending() == jobs.answers() + jobs.teams() + REPORT


def test_a_deleted_result_is_remade_when_asked_for(made, jobs):
    gone = made.results / "seed-1" / "responses" / "sft" / "reasoning" / "test.parquet"
    kept, stamp = gone.read_text(), gone.stat()
    gone.unlink()
    try:
        assert made.pending("responses") == Counter(["respond-sft-reasoning" if jobs.per_dataset else "respond-sft"])
    finally:
        gone.write_text(kept)
        os.utime(gone, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@once
def test_snakemakes_own_options_for_a_rule(made):
    options = ["--forcerun", "collaborate", "--set-resources", "collaborate:mem_mb=12345"]
    shown = made.snakemake("-n", *options, "--set-threads", "score_runs=2").stdout
    forced = announced(shown)
    assert {job.split("-")[0] for job in forced} == {
        *("merge_weights", "collaborate", "score_runs", "table", "figure", "viewer")  # Merges are temporary.
    }
    assert sum(job.startswith("collaborate-") for job in forced.elements()) == len(TEAMS)
    # The command line is shown too.
    assert len(re.findall(r"resources: .*mem_mb=12345", shown)) == len(TEAMS)
    until = made.pending("--forceall", "--until", "respond")
    assert {job.split("-")[0] for job in until} == {"dataset", "train", "extract_vector", "member", "respond"}
    omitted = made.pending("--forceall", "--omit-from", "collaborate")
    assert omitted and not {"collaborate", "score_runs"} & {job.split("-")[0] for job in omitted}
    graph = made.snakemake("--rulegraph").stdout
    assert graph.count("label = ") < 45 and '"collaborate"' in graph
