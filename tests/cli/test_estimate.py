"""A plan's figures, worked out by hand on a study of two questions here and three there."""

import copy

import pytest
import yaml
from snakemake.utils import update_config, validate

import micro
from amongus.cli import estimate, sizes
from amongus.cli.estimate import plan
from amongus.cli.estimate_text import text
from amongus.study.study import Study
from amongus.team.request_counts import Ask
from checkout import ROOT

EXPECTED = {
    "new_tokens_per_second": 10,
    "prompt_tokens_per_second": 100,
    "load_seconds": 36,
    "question_tokens": 20,
    "answer_share": 0.5,
    "model_gigabytes": 2,
    "adapter_gigabytes": 0.25,
}
CONFIG = {
    **micro.STUDY,
    "datasets": {"gsm8k": {"dev": 2, "test": 3}},
    "attackers": {"prompt": {"kind": "prompt"}, "sft": micro.STUDY["attackers"]["sft"]},
    "pools": {"clean": ["x", "y"], "prompt": ["x", "prompt"], "sft": ["x", "sft"]},
    "methods": {"debate": {"rounds": 2}},
    "sampling": {"max_new_tokens": 8},
    "plan": EXPECTED,
}


def study(**changes):
    config = {**copy.deepcopy(CONFIG), **changes}
    validate(config, str(ROOT / "config" / "schema.yaml"))
    return Study(config)


def rows(made):
    return {row.name: row for row in made.rules}


def test_a_debate_by_hand():
    """Teams of two (clean, prompt, sft) ask 2 + 1, and show 2 × 2 + 2; x alone, the control, 1 + 1 and 1 + 1."""
    made = rows(plan(study()))
    assert made["collaborate"].ask == Ask(texts=3 * (3 * 3 + 2), shown=3 * (3 * 6 + 2))
    assert not made["collaborate"].at_most
    assert made["collaborate"].loads == 4  # One base for all.
    assert made["respond"].ask == Ask(texts=4 * 5) and made["respond"].loads == 4
    assert made["train"].jobs == 7 and "extract_vector" not in made and "learn" not in made


def test_every_seed_counts():
    once, twice = plan(study()), plan(study(seeds=[1, 2]))
    for rule in ("respond", "collaborate"):
        assert rows(twice)[rule].ask == rows(once)[rule].ask.times(2)
    assert twice.jobs["train"] == 2 * once.jobs["train"] and twice.jobs["dataset"] == once.jobs["dataset"]
    assert twice.disk["trained"] == 2 * once.disk["trained"]


def test_tokens_and_hours_by_hand():
    given = study()
    row = estimate.Row("r", 1, loads=1, ask=Ask(texts=2, fused=1, streams=3, labels=1, shown=4))
    assert estimate.new_tokens(given) == 4
    # (2 + 3 + 1) questions of 20 tokens, 4 texts of 4; 36 s to load, 5 × 4 tokens at 10 a second, 136 read at 100.
    assert estimate.prompt_tokens(given, row.ask) == 6 * 20 + 4 * 4
    assert estimate.hours(given, row) == pytest.approx((36 + 2 + 1.36) / 3600)
    two = study(resources={"gpu": 2})
    assert estimate.hours(two, row) == pytest.approx(2 * estimate.hours(given, row))


def test_where_somebody_may_be_masked_figures_are_bounds():
    debate = rows(plan(study(methods={"debate": {"rounds": 2, "defences": ["oracle"]}})))["collaborate"]
    assert debate.at_most
    assert debate.ask.texts == 3 * (2 * 3 * 3 + 2)  # Three teams twice, the control once.
    router = rows(plan(study(methods={"llm_router": {"defences": ["oracle"]}})))["collaborate"]
    assert not router.at_most and router.ask == Ask(labels=3 * 7)


def test_merges_that_leave_out_the_same_member_are_one():
    defences = ["self", "random", "oracle", "judge"]
    made = plan(study(methods={"soup": {"defences": defences}, "dare_ties": {}}))
    # Teams of two (clean, sft) under five defences: three that differ; the control is one member.
    assert {row.name: row.loads for row in made.methods["collaborate"]} == {"soup": 3 + 3 + 1, "dare_ties": 3}
    assert {row.name: row.loads for row in made.methods["learn"]} == {"soup": 3 + 3, "dare_ties": 0}
    assert made.disk["merged"] == 3 * 2
    assert made.methods["learn"][0].ask.texts == 2 * (
        5 + 5
    )  # dev questions, one merge more than the best alone


def test_a_router_is_a_training():
    made = plan(study(methods={"llm_router": {}}))
    assert [(one.rule, one.names, one.jobs) for one in made.trainings][-1] == ("learn", ("llm_router",), 4)
    assert rows(made)["learn"].ask == Ask()


def test_a_judge_of_pools_sees_all_answers_in_every_order():
    supervisors = {"judge": "judge", "judge_form": "listwise", "judge_orders": 3}
    made = rows(plan(study(supervisors=supervisors, methods={"debate": {"defences": ["judge"]}})))
    assert "verdicts" not in made
    assert made["rankings"].ask == Ask(labels=3 * 3 * 3, shown=2 * 3 * 3 * 3)  # pools × questions × orders


def test_questions_that_the_config_leaves_open_are_said_and_not_counted():
    made = plan(study(datasets={"gsm8k": {"dev": 2, "test": 3}, "coconot": {"test": 1}}))
    (line,) = [note for note in made.notes if "coconot" in note]
    assert "how many dev questions" in line and line.endswith("set dev")
    assert rows(made)["respond"].ask.texts == 4 * (2 + 3 + 1)


def test_a_method_that_does_not_say_is_unknown_and_not_zero(tmp_path):
    own = tmp_path / "vote.py"
    own.write_text('LEVEL = "text"\nPROMPTS = ()\nSETTINGS = {}\n')
    given = study(methods={"debate": {"rounds": 2}, "vote": {"kind": str(own)}})
    made = plan(given)
    assert made.methods["collaborate"][1] == estimate.Row("vote", 4, unknown=True)
    assert rows(made)["collaborate"].unknown and made.total.unknown
    shown = text(given, made)
    assert any(line.split()[:3] == ["vote", "4", "unknown"] for line in shown.splitlines())
    assert any(line.startswith("- method vote: what it asks is unknown") for line in shown.splitlines())
    assert "33 + ?" in next(line for line in shown.splitlines() if line.startswith("collaborate"))


def test_disk_by_hand():
    """Checkpoints base, supervisor, reward, judge; adapters x, y, sft. Texts: 20 answers, 33 of debates."""
    made = plan(study())
    assert made.disk["trained"] == pytest.approx(4 * 2 + 3 * 0.25)
    assert made.disk["merged"] == made.disk["fetched"] == 0
    assert made.disk["texts"] == pytest.approx(2 * (20 + 33) * 4 * 4 / 1e9)


def test_the_papers_disk_has_its_checkpoints():
    """GRPO leaves float32, twice the base, and saves that twice (FSDP) with Adam's two, thrice; LoRA is little."""
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    validate(config, str(ROOT / "config" / "schema.yaml"))
    given = Study(config)
    made = plan(given)
    assert sizes.gigabytes(given, "grpo") == 2 * 15.2
    assert made.disk["trained"] == pytest.approx(2 * 15.2 + 0.2)
    assert made.disk["checkpoints"] == pytest.approx(3 * 4 * 2 * 15.2 + 3 * 3 * 0.2)
    shown = text(given, made)
    assert any(line.startswith("checkpoints of trainings under way") for line in shown.splitlines())
    assert "- checkpoints of trainings (sft, grpo), removed when they end: two and the one being" in shown
    config["engine"]["dtype"] = "float32"
    del config["attackers"]["grpo"]["checkpoint_every"]
    single = plan(Study(config)).disk
    assert single["trained"] == pytest.approx(15.2 + 0.2) and single["checkpoints"] == pytest.approx(1.8)


def test_what_is_fetched_is_fetched_once_and_taken_over_by_each_seed(tmp_path):
    kind = tmp_path / "far.py"
    kind.write_text("ROLES = ()\nLORA = False\nFETCHED = True\n")
    far = {"kind": str(kind), "repo": "o/n", "revision": "unpinned", "gigabytes": 15}
    models = {**micro.STUDY["models"], "base": far, "unused": far}
    made = plan(study(models=models, seeds=[1, 2]))
    assert (made.jobs["fetch"], made.jobs["adopt"], made.jobs["train"]) == (1, 2, 2 * 6)
    assert made.disk["fetched"] == 15 and made.disk["trained"] == pytest.approx(2 * (3 * 2 + 3 * 0.25))


def test_trainings_may_be_allowed_more():
    given = study(resources={"runtime": 30})
    given.config["resources"]["trainings"] = {"sft": {"gpu": 4, "runtime": 600}}
    shown = {one.names: (one.gpus, one.minutes, one.jobs) for one in plan(given).trainings}
    assert shown[("sft",)] == (4, 600, 1)
    assert shown[("base", "supervisor", "x", "y", "reward", "judge")] == (0, 30, 6)


@pytest.mark.parametrize("files", [["demo"], ["demo", "demo_full"], ["sample"]])
def test_the_projects_own_studies_have_plans(files):
    config = {}
    for name in files:
        update_config(config, yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text()))
    validate(config, str(ROOT / "config" / "schema.yaml"))
    given = Study(config)
    shown = text(given, plan(given)).splitlines()
    assert shown[0].startswith(f"Study {given.name}: 1 seed, ")
    assert any(line.startswith("total ") for line in shown) and "What this rests on:" in shown
    assert all(line.isprintable() for line in shown)


def test_the_page_about_plans_shows_the_demos():
    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    validate(config, str(ROOT / "config" / "schema.yaml"))
    given = Study(config)
    assert text(given, plan(given)) in (ROOT / "docs" / "plan.md").read_text()


def test_the_demos_plan_holds_what_the_demo_asked():
    """The figures of docs/demo_101/cost.csv, which a run of the demo on one seed has left."""
    import csv

    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    validate(config, str(ROOT / "config" / "schema.yaml"))
    made = rows(plan(Study(config)))
    with open(ROOT / "docs" / "demo_101" / "cost.csv") as file:
        measured = {row["rule"]: row for row in csv.DictReader(file)}
    for rule, row in measured.items():
        assert made[rule].jobs == int(row["jobs"])
        asked = made[rule].ask.prompts if made[rule].ask else 0
        assert (
            asked >= int(row["prompts_asked"]) if made[rule].at_most else asked == int(row["prompts_asked"])
        )
