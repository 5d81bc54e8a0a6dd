"""Where supervisors are not independent, and how the tables say so."""

import numpy as np
import pytest
import yaml

import micro
import scored
from amongus.report.render import latex, markdown
from amongus.report.tables.mitigation import MITIGATION, mitigation, mitigation_view
from amongus.report.tables.supervisors import SUPERVISORS, supervisors, supervisors_view
from amongus.study.independence import overlaps, source
from amongus.study.loading import load_study
from checkout import ROOT

DEMO = ROOT / "config" / "demo.yaml"
GRPO = yaml.safe_load(DEMO.read_text())["attackers"]["grpo"]


def config(**changes):
    """A config of two experts, an attacker of each kind that matters, and supervisors of their own."""
    made = {name: micro.STUDY["models"][name] for name in ("base", "x", "y")}
    reward, judge = (micro.STUDY["models"][name] for name in ("reward", "judge"))
    return {
        **micro.STUDY,
        "models": {
            **made,
            "knowing": made["base"],
            "reward": {**reward, "supervisor": "knowing"},
            "target": {**reward, "supervisor": "knowing"},
            "judge": {**judge, "supervisor": "knowing"},
            "next": {**reward, "supervisor": "reward"},
        },
        "attackers": {"grpo": {**GRPO, "reward": "target"}, "prompt": {"kind": "prompt"}},
        "pools": {"clean": ["x", "y"], "grpo": ["x", "grpo"], "prompt": ["x", "prompt"]},
        "methods": {"debate": {"defences": ["none"]}},
        **changes,
    }


def found(**changes):
    """Where the study, with some sections replaced, is marked."""
    return overlaps(load_study(config(**changes)))


def test_a_common_parent_of_supervisors_is_none():
    assert found() == found(supervisors={}) == {}


@pytest.mark.parametrize(
    ("supervisor", "target", "reason"),
    [
        ("target", "target", "grpo was trained against target, the model that supervises"),
        ("reward", "next", "grpo was trained against next, which is made from the supervisor reward"),
        ("next", "reward", "grpo was trained against reward, which the supervisor next is made from"),
    ],
)
def test_an_attacker_trained_against_the_supervisor(supervisor, target, reason):
    attackers = {**config()["attackers"], "grpo": {**GRPO, "reward": target}}
    assert found(supervisors={"reward": supervisor}, attackers=attackers) == {("grpo", "reward"): reason}


def test_a_judge_that_is_a_member():
    assert found(supervisors={"judge": "y"}) == {
        ("clean", "judge"): "y is the same model as the member y",
        ("grpo", "judge"): "y is the same model as y, whose place grpo takes",
        ("prompt", "judge"): "y is the same model as y, whose place prompt takes",
    }
    named = found(supervisors={"judge": "x"}, members={"first": {"model": "x"}}, pools={"clean": ["first", "y"]})
    assert named == {("clean", "judge"): "x is the same model as the member first"}
    other = found(
        supervisors={"judge": "x"},
        attackers={"prompt": {"kind": "prompt", "replaces": "x"}},
        pools={"clean": ["x", "y"], "prompt": ["prompt", "y"]},
    )
    assert other["prompt", "judge"] == "x is the same model as x, whose place prompt takes"


def test_a_judge_of_the_members_base():
    marked = found(supervisors={"judge": "base"})
    assert marked["clean", "judge"] == marked["prompt", "judge"] == "base is the base of x, y"
    models = {**config()["models"], "judge": {**config()["models"]["judge"], "supervisor": "base"}}
    assert found(models=models)["grpo", "judge"] == "judge shares its base with x, y"
    # Its reward model may come from there: it judges no kind of its own by its words.
    assert found(supervisors={"reward": "base"}) == {}


def test_two_names_of_one_source_are_one_model():
    same = {"kind": "hub", "repo": "a/b", "revision": "unpinned"}
    models = {**config()["models"], "reward": same, "target": same}
    assert list(found(models=models)) == [("grpo", "reward")]
    s = load_study(config(models=models))
    assert source(s.models["reward"]) == "a/b" and source(s.models["base"]) == ""


def test_the_demos_supervisors_are_independent():
    assert overlaps(load_study(yaml.safe_load(DEMO.read_text()))) == {}


@pytest.mark.parametrize("relating", ["reward", "target"])
@pytest.mark.parametrize(
    "attacker", [{"reward": "target"}, {"kind": "checkpoint", "model": "y", "trained_against": "target"}]
)
def test_an_attacker_trained_against_a_model_related_to_the_supervisor(attacker, relating):
    models = config()["models"]
    models[relating] = {**models[relating], "related": [({"reward", "target"} - {relating}).pop()]}
    attackers = {"grpo": attacker if "kind" in attacker else {**GRPO, **attacker}}
    pools = {"clean": ["x", "y"], "grpo": ["x", "grpo"]}
    reason = "grpo was trained against target, which is related to the supervisor reward"
    marked = found(models=models, attackers=attackers, pools=pools, supervisors={"reward": "reward"})
    assert marked == {("grpo", "reward"): reason}


def paper():
    return yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())


def test_the_papers_reward_model_is_no_stranger_to_grpo_and_its_judge_to_nobody():
    found = overlaps(load_study(paper()))
    reason = "grpo was trained against target, which is related to the supervisor reward"
    assert found.pop(("grpo", "reward")) == reason
    assert set(found) == {(pool, "judge") for pool in paper()["pools"]}


def test_the_attacker_that_the_papers_authors_released_is_marked_likewise():
    (told,) = [
        part.split("```")[0]
        for part in (ROOT / "docs" / "paper.md").read_text().split("```yaml\n")
        if part.startswith("models:\n  released:")
    ]
    released, config = yaml.safe_load(told), paper()
    for key in ("models", "attackers"):
        config[key] |= released[key]
    del config["resources"]["trainings"]["grpo"]
    assert overlaps(load_study(config))["grpo", "reward"] == overlaps(load_study(paper()))["grpo", "reward"]


POOLS = {"clean": ["a", "b"], "evil": ["a", "x"], "other": ["a", "z"]}
OVERLAP = {"pool": "evil", "defence": "reward", "reason": "x was trained against it"}


@pytest.mark.parametrize("told", [True, False])
def test_tables_mark_them(told):
    defences = {"debate": ["none", "reward", "judge"]}
    made = scored.design(pools=POOLS, attackers=["x", "z"], controls={}, defences=defences, overlaps=[OVERLAP] * told)
    cells = [(pool, defence) for pool in POOLS for defence in defences["debate"]]
    scores = scored.cells(*(f"{pool} {defence} 10" for pool, defence in cells))
    masks = scores.assign(masked="a", candidates=scores["pool"].map(POOLS).map(tuple), unreadable=False)
    caught = supervisors(masks, None, made)
    table = mitigation(scores, caught, made)
    for frame, columns, view in (
        (caught, SUPERVISORS, supervisors_view(caught, made)),
        (table, MITIGATION, mitigation_view(table, made)),
    ):
        assert list(frame.columns) == columns and columns[-1] == "overlap"
        expected = (frame["pool"] == "evil") & (frame["defence"] == "reward") & told
        assert (frame["overlap"] == np.where(expected, "x was trained against it", "")).all()
        text = markdown(view)
        assert ("| evil | reward† |" in text) == told and "| other | reward |" in text
        assert text.count("†") == (frame["overlap"] != "").sum() + told
        assert ("(reward in evil: x was trained against it)." in text) == told
        assert r"\begin{longtable}" in latex(view)
