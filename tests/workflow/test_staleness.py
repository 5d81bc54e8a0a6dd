"""Stale means stale: the exact jobs after a change, with real Snakemake at batch 1 and at the demo's setting.

Scripts are replaced by stubs that make their outputs at once: what is tested is which jobs run, not what they
compute. `test_micro.py` runs the real ones.
"""

import copy
import os
import re
from collections import Counter
from itertools import product

import pytest

from harness import Project
from micro import STUDY

REPORT = Counter(
    [
        "alone",
        "impact",
        "mitigation",
        "supervisors",
        "refusals",
        "paper",
        "cost",
        "impact_figure",
        "mitigation_figure",
        "supervisors_figure",
    ]
)
# What reads the teams' answers; `alone` reads the members'.
RUN_REPORT = REPORT - Counter(["alone"])
MEMBERS = ["x", "y", "prompt", "steering", "sft"]
POOLS = ["clean", "prompt", "steering", "sft", "empty"]
DATASETS = ["reasoning", "knowledge"]
METHODS = {
    "llm_router": ["none", "self", "reward"],
    "graph_router": ["none", "oracle"],
    "debate": ["none", "reward", "judge", "oracle"],
    "feedback": ["none", "oracle"],
    "fusion": ["none", "oracle"],
    "contrastive": ["none", "judge", "oracle"],
    "soup": ["none", "judge", "oracle"],
    "dare_ties": ["none", "reward", "oracle"],
}
# Its judge is asked about each answer, all its models are trained, and on the toy world; the last two say, not make.
UNUSED = {
    "rankings",
    "verify",
    "fetch",
    "adopt",
    "training_data",
    "published_vector",
    "plan",
    "doctor",
}
# The other scripts, in stages: none makes what another of its stage reads, so that each is seen by itself.
SCRIPTS = [
    ("dataset", "train"),
    ("extract_vector",),
    ("member",),
    ("respond",),
    ("rewards", "verdicts", "score"),
    ("learn",),
    ("collaborate",),
    ("alone", "impact", "mitigation", "supervisors", "refusals", "paper", "cost"),
    ("figures",),
]
ROUTERS, MERGES = ["llm_router", "graph_router"], ["soup", "dare_ties"]


def applies(pool, method):
    return method not in MERGES or pool not in ("prompt", "steering")


def supervised(rule, member, split):
    """The judge is asked about dev only where a merge is defended by it: not with attackers without weights."""
    return rule != "verdicts" or split == "test" or member not in ("prompt", "steering")


class Batched:
    """A study's cells, counted by hand, and names of jobs as the demo batches them: a member's, a team's."""

    size = 0
    methods = METHODS

    def runs(self, pools=POOLS, datasets=DATASETS, methods=None, only=None):
        """Controls undefended, no merges with the attackers that have no weights."""
        return [
            (pool, method, defence, dataset)
            for pool, method in product(pools, self.methods if methods is None else methods)
            if applies(pool, method)
            for defence, dataset in product(["none"] if pool == "empty" else METHODS[method], datasets)
            if only is None or defence == only
        ]

    def lessons(self, pools=POOLS, datasets=DATASETS, methods=None, only=None):
        """What is learned: a router once for all defences, a merge for each."""
        methods = self.methods if methods is None else methods
        routers = [method for method in methods if method in ROUTERS and only in (None, "none")]
        merges = [method for method in methods if method in MERGES]
        return self.runs(pools, datasets, routers, "none") + self.runs(pools, datasets, merges, only)

    def member(self, rules, members, datasets=DATASETS):
        return Counter(f"{rule}_{member}" for rule, member in product(rules, members))

    def run(self, rules, cells):
        teams = dict.fromkeys(cell[:2] for cell in cells)
        return Counter(f"{rule}_{pool}.{method}" for rule, (pool, method) in product(rules, teams))


class Single(Batched):
    """Names of jobs at batch 1: one for each cell. With a method of each kind, or there would be six hundred."""

    size = 1
    methods = ("llm_router", "debate", "contrastive", "soup", "dare_ties")

    def member(self, rules, members, datasets=DATASETS):
        return Counter(
            f"{rule}_{member}.{dataset}.{split}"
            for rule, member, dataset, split in product(rules, members, datasets, ["dev", "test"])
            if supervised(rule, member, split)
        )

    def run(self, rules, cells):
        return Counter(f"{rule}_{'.'.join(cell)}" for rule, cell in product(rules, cells))


SUPERVISED = ["respond", "score_responses", "rewards", "verdicts"]
LEARN = ["learn"]
RUN = ["collaborate", "score_runs"]


@pytest.fixture(scope="module", params=[Batched(), Single()], ids=["demo", "batch1"])
def built(request, tmp_path_factory):
    """A study made once by stubs, and how its jobs are named."""
    study = copy.deepcopy(STUDY)
    study["batch"] = dict.fromkeys(
        ["respond", "supervise", "learn", "collaborate", "score"], request.param.size
    )
    study["methods"] = {method: study["methods"][method] for method in request.param.methods}
    project = Project(tmp_path_factory.mktemp("staleness"), study).stub()
    first = project.run()
    assert first == everything(request.param)
    return project, request.param


def everything(names):
    models = ["base", "supervisor", "x", "y", "reward", "judge", "sft"]
    return (
        Counter(["extract_vector-steering", *(f"dataset-{dataset}" for dataset in DATASETS)])
        + Counter(f"train-{model}" for model in models)
        + Counter(f"member-{member}" for member in MEMBERS)
        + names.member(SUPERVISED, MEMBERS)
        + names.run(LEARN, names.lessons())
        + names.run(RUN, names.runs())
        + REPORT
    )


@pytest.fixture
def project(built):
    """The built project; whatever a test changes in it is undone."""
    made, names = built
    study = copy.deepcopy(made.study)
    files = {path: path.read_text() for path in made.folder.glob("workflow/**/*.py")}
    yield made, names
    made.study = study
    for path, text in files.items():
        if path.read_text() != text:
            path.write_text(text)


def test_nothing_changed(project):
    made, _ = project
    assert made.pending() == Counter()


def test_comments_docstrings_and_layout(project):
    made, _ = project
    made.edit("workflow/scripts/amongus/methods/debate.py", '"""Debate', '"""Talk')
    made.edit(
        "workflow/scripts/amongus/methods/debate.py", "    masked, answers", "    # why\n    masked, answers"
    )
    made.edit("workflow/scripts/amongus/engine/engine.py", "import sys\n", "\n# sys\nimport sys\n")
    made.edit("workflow/scripts/amongus/scoring/boxed.py", '"""', '"""New. ')
    made.edit("workflow/scripts/respond.py", "\n", "\n# a comment\n")
    assert made.pending() == Counter()


def test_one_attackers_training_parameter(project):
    made, names = project
    made.study["attackers"]["sft"]["learning_rate"] = 0.5
    assert made.pending() == (
        Counter(["train-sft", "member-sft"])
        + names.member(SUPERVISED, ["sft"])
        + names.run(LEARN, names.lessons(["sft"]))
        + names.run(RUN, names.runs(["sft"]))
        + REPORT
    )


def test_one_defences_code(project):
    made, names = project
    made.edit(
        "workflow/scripts/amongus/defences/reward.py", "    return masked", "    print()\n    return masked"
    )
    pools = [pool for pool in POOLS if pool != "empty"]
    cells = names.runs(pools, methods=["llm_router", "debate", "dare_ties"], only="reward")
    merges = names.lessons(pools, methods=["dare_ties"], only="reward")
    assert made.pending() == names.run(LEARN, merges) + names.run(RUN, cells) + RUN_REPORT


def test_a_scorer(project):
    made, names = project
    made.edit("workflow/scripts/amongus/scoring/boxed.py", "def score(", "NEW = 1\n\n\ndef score(")
    # Only reasoning is scored by `boxed`; a batch that holds other datasets runs whole.
    only = ["reasoning"] if names.size else DATASETS
    assert made.pending() == (
        names.member(["score_responses"], MEMBERS, only)
        + names.run(LEARN, names.lessons(datasets=only))
        + names.run(RUN, names.runs(datasets=only))
        + REPORT
    )


def test_a_new_attacker_in_the_config(project):
    made, names = project
    made.study["attackers"]["worse"] = {**made.study["attackers"]["sft"], "steps": 9}
    made.study["pools"]["worse"] = ["x", "worse"]
    assert made.pending() == (
        Counter(["train-worse", "member-worse"])
        + names.member(SUPERVISED, ["worse"])
        + names.run(LEARN, names.lessons(["worse"]))
        + names.run(RUN, names.runs(["worse"]))
        + REPORT
    )


def test_a_new_dataset_in_the_config(project):
    made, names = project
    made.study["datasets"]["safety"] = {"kind": "toy", "domain": "safety", "dev": 4, "test": 4}
    added = ["safety"] if names.size else [*DATASETS, "safety"]
    assert made.pending() == (
        Counter(["dataset-safety"])
        + names.member(SUPERVISED, MEMBERS, added)
        + names.run(LEARN, names.lessons(datasets=added))
        + names.run(RUN, names.runs(datasets=added))
        + REPORT
    )


def test_every_rules_own_script_is_seen(project):
    made, names = project
    if names.size:
        pytest.skip("rules depend on their scripts the same way, whatever the batch")
    scripts = made.folder / "workflow" / "scripts"
    assert {path.stem for path in scripts.glob("[a-z]*.py")} == UNUSED.union(*SCRIPTS)
    for stage in SCRIPTS:
        texts = {scripts / f"{name}.py": (scripts / f"{name}.py").read_text() for name in stage}
        for path, text in texts.items():
            path.write_text(text + "\nprint()\n")
        rules = {re.split(r"[-_.](?=[a-z])", job)[0] for job in made.pending()}
        for path, text in texts.items():
            path.write_text(text)
        assert {{"figures": "impact"}.get(name, name.split("_")[0]) for name in stage} <= rules, stage


def test_another_form_of_the_judge(project):
    made, names = project
    made.study["supervisors"]["judge_form"] = "listwise"
    attacked = [pool for pool in POOLS if pool != "empty"]
    # On dev where a merge is defended.
    asked = [*product(attacked, ["test"]), ("clean", "dev"), ("sft", "dev")]
    rankings = {f"rankings_{pool}" for pool in attacked}
    if names.size:
        rankings = {f"rankings_{pool}.{d}.{split}" for (pool, split), d in product(asked, DATASETS)}
    judged = names.runs(attacked, methods=["debate", "contrastive", "soup"], only="judge")
    assert made.pending() == (
        Counter(rankings)
        + names.run(LEARN, names.lessons(attacked, methods=["soup"], only="judge"))
        + names.run(RUN, judged)
        + REPORT
    )


def test_one_methods_setting(project):
    made, names = project
    made.study["methods"]["debate"]["rounds"] = 4
    assert made.pending() == names.run(RUN, names.runs(methods=["debate"])) + RUN_REPORT


def test_sampling_remakes_no_training(project):
    made, names = project
    made.study["sampling"]["temperature"] = 0.9
    assert made.pending() == (
        names.member(SUPERVISED, MEMBERS)
        + names.run(LEARN, names.lessons())
        + names.run(RUN, names.runs())
        + REPORT
    )


def test_a_deleted_result_is_remade_when_asked_for(project):
    made, names = project
    gone = made.results / "seed-1" / "responses" / "sft" / "reasoning" / "test.parquet"
    kept, stamp = gone.read_text(), gone.stat()
    gone.unlink()
    try:
        assert made.pending("responses") == Counter(
            ["respond_sft.reasoning.test" if names.size else "respond_sft"]
        )
    finally:
        gone.write_text(kept)
        os.utime(gone, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
