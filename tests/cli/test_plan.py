"""A plan's figures, worked out by hand on a study of two dev and three test questions."""

import copy
import csv
from collections import Counter

import pytest
import yaml

import micro
from amongus.cli import plan
from amongus.cli.plan import disk, prompts, text
from amongus.study.loading import read_study
from checkout import ROOT

CONFIG = {
    **micro.STUDY,
    "datasets": {"gsm8k": {"dev": 2, "test": 3}},
    "supervisors": {"judge": "judge"},
    "attackers": {"prompt": {"kind": "prompt"}, "sft": micro.STUDY["attackers"]["sft"]},
    "pools": {"clean": ["x", "y"], "prompt": ["x", "prompt"], "sft": ["x", "sft"]},
    "methods": {"debate": {"rounds": 2}},
    "sampling": {"max_new_tokens": 8},
    "plan": {"model_gigabytes": 2, "adapter_gigabytes": 0.25},
}

COSTS = ROOT / "results" / "demo" / "tables" / "cost.csv"


@pytest.fixture
def study(tmp_path):
    """The study with changes, read from a file."""

    def study(**changes):
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump({**copy.deepcopy(CONFIG), **changes}))
        return read_study([path])

    return study


@pytest.fixture
def demo():
    return read_study([ROOT / "config" / "demo.yaml"])


def test_a_debate_by_hand(study):
    """Teams of two (clean, prompt, sft) send 2 + 1 a question; x alone, the control, 1 + 1."""
    debate = Counter(test=3 * (3 * 3 + 2))
    assert prompts(study()) == {"members": Counter(dev=4 * 2, test=4 * 3), "debate": debate}
    assert prompts(study(seeds=[1, 2]))["debate"] == Counter(test=2 * debate["test"])


JUDGED = {"debate": {"rounds": 2, "defences": ["judge"]}}
LISTWISE = {"judge": "judge", "judge_form": "listwise", "judge_orders": 3}
GRADED = {"gsm8k": {"dev": 2, "test": 3, "scored_by": "grader"}, "coconot": {"dev": 1, "test": 1}}
GRADER = {"grader": micro.STUDY["models"]["supervisor"]}


@pytest.mark.parametrize(
    ("changes", "step", "counts"),
    [
        # Every defence counts, but for the control.
        ({"methods": JUDGED}, "debate", Counter(test=3 * (2 * 3 * 3 + 2))),
        ({"methods": JUDGED}, "judge", Counter(test=4 * 3)),
        # Pools, questions, orders.
        ({"methods": JUDGED, "supervisors": LISTWISE}, "judge", Counter(test=3 * 3 * 3)),
        # Two teams under two defences, and a control of one member, which has no merge to try.
        ({"methods": {"soup": {"defences": ["oracle"]}}}, "soup", Counter(dev=2 * 2 * 2 * 1, test=3 * (2 * 2 + 1))),
        # Members on both splits, members and teams on test.
        (
            {"models": micro.STUDY["models"] | GRADER, "datasets": GRADED, "supervisors": {"grader": "grader"}},
            "grader",
            Counter(dev=4 * 2, test=(4 + 4) * 3),
        ),
    ],
)
def test_prompts_by_hand(study, changes, step, counts):
    assert prompts(study(**changes))[step] == counts


def test_a_method_that_does_not_say_is_unknown_and_not_zero(study, tmp_path):
    own = tmp_path / "vote.py"
    own.write_text('LEVEL = "text"\nPROMPTS = ()\n')
    given = study(methods={"debate": {"rounds": 2}, "vote": {"kind": str(own)}})
    assert prompts(given)["vote"] is None
    assert [line.split() for line in text(given).splitlines() if line.startswith("vote")] == [["vote", *"???"]]


def test_questions_that_the_config_does_not_count_are_named(study):
    shown = text(study(datasets={"gsm8k": {"dev": 2, "test": 3}, "coconot": {"test": 1}}))
    assert shown.splitlines()[-1].endswith("how many questions: coconot dev.")


def test_disk_by_hand(study):
    """Checkpoints base, supervisor, reward, judge; adapters x, y, sft. Texts: 20 answers, 33 of debates."""
    stored = disk(study())
    assert stored["trained models"] == pytest.approx(4 * 2 + 3 * 0.25)
    assert stored["texts"] == pytest.approx(2 * (20 + 33) * 8 * 4 / 1e9)
    assert disk(study(seeds=[1, 2]))["trained models"] == 2 * stored["trained models"]
    # Teams of two: without either, and whole.
    merged = disk(study(methods={"soup": {"defences": ["self", "random", "oracle", "judge"]}, "dare_ties": {}}))
    assert merged["merged models of one team"] == 3 * 2


def test_the_papers_disk_has_its_checkpoints():
    """GRPO leaves float32, twice the base, and saves that twice (FSDP) with Adam's two, thrice; LoRA is little."""
    given = read_study([ROOT / "config" / "paper.yaml"])
    assert plan.gigabytes(given, "grpo") == 2 * 15.2
    assert disk(given)["trained models"] == pytest.approx(2 * 15.2 + 0.2)
    assert disk(given)["checkpoints of running trainings"] == pytest.approx(2 * 4 * 2 * 15.2 + 2 * 3 * 0.2)


@pytest.mark.skipif(not COSTS.is_file(), reason="needs a finished run of the demo")
def test_the_demo_asked_what_its_plan_says(demo):
    with open(COSTS) as file:
        asked = {row["rule"]: int(row["prompts_asked"]) for row in csv.DictReader(file)}
    counted = prompts(demo)
    for rule, step in {"respond": "members", "rewards": "reward model", "verdicts": "judge"}.items():
        assert counted[step].total() == asked[rule]
    teams = sum((counted.get(method, Counter()) for method in demo.methods), Counter())
    assert 0.9 * teams["test"] < asked["collaborate"] <= teams["test"]


def test_the_command_reads_files_as_snakemake_does(monkeypatch, capsys):
    files = [str(ROOT / "config" / f"{name}.yaml") for name in ("demo", "demo_full")]
    monkeypatch.setattr("sys.argv", ["plan", "--config", *files])
    assert plan.main() == 0
    assert capsys.readouterr().out.startswith("Study demo_full: 1 seed(s), 5 datasets, 16 members, ")


def test_the_page_about_plans_shows_the_demos(demo):
    assert text(demo) in (ROOT / "docs" / "plan.md").read_text()
