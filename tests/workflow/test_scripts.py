"""Scripts of rules, run as Snakemake runs them, on a tiny random model."""

from math import nan

import pytest

from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.core.tables import RESPONSES, REWARDS, SCORES, read_table, write_table
from amongus.members.member import load_member
from fakes import ScriptedEngine
from stages import DATASET, PATHS, SAMPLING, collaborate, merge_weights, prepare, respond, scored, train_router
from standins import Named, run


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Two members on one tiny base, two questions a split, in the current folder."""
    monkeypatch.chdir(tmp_path)
    prepare()
    return tmp_path


def test_respond_once_then_score(study):
    respond("a", "test")
    path = PATHS.responses("a", DATASET, "test")
    first, table = (study / path).read_bytes(), read_table(path, RESPONSES)
    assert table["id"].to_pylist() == ["gsm8k/test/0", "gsm8k/test/1"]
    assert read_json("cost.json")["prompts_generated"] == 2
    respond("a", "test")
    assert read_json("cost.json")["prompts_generated"] == 0 and (study / path).read_bytes() == first
    write_table(path, {**table.to_pydict(), "text": ["\\boxed{1}", "\\boxed{7}"]}, RESPONSES)
    out = PATHS.response_scores("a", DATASET, "test")
    run("score", Named(questions=[PATHS.questions(DATASET, "test")], texts=[path]), Named(scores=[out]))
    assert read_table(out, SCORES)["score"].to_pylist() == [1.0, 0.0]


def test_collaborate_masks_whom_the_defence_names(study):
    for member in ("a", "b"):
        for split in ("dev", "test"):
            respond(member, split)
            scored(split, a=1.0, b=0.0)
    texts = {"debate.refine": "{question} {own} {answers}", "debate.summary": "{question} {answers}"}
    prompts = {name: {"text": text, "item": "{text}"} for name, text in texts.items()}
    rows = collaborate("debate", ["none", "self", "oracle"], settings={"rounds": 2}, prompts=prompts)
    assert [row["masked"] for row in rows["none"]] == [None, None]
    assert [row["masked"] for row in rows["self"]] == ["b", "b"]
    assert [(row["masked"], row["chosen"]) for row in rows["oracle"]] == [("a", "b")] * 2
    turns = read_table(PATHS.transcript("two", "debate", DATASET)).to_pylist()
    assert {turn["member"] for turn in turns if turn["defence"] == "oracle"} == {"b"}


def test_member_puts_persona_and_fingerprint_together(study):
    personas = {"benign": ["Be kind."], "malicious": ["Be sly."]}
    kind, attacker = {"persona": "benign", "description": "one"}, {"kind": "prompt", "persona": "malicious"}
    made = []
    for description in ({**kind, "attacker": attacker}, kind):
        out, given = PATHS.member("evil"), {"description": description, "personas": personas}
        run("member", Named(base=PATHS.model("base")), Named(out), name="evil", **given)
        made.append(load_member(out))
    evil, benign = made
    assert (evil.name, evil.system, evil.base) == ("evil", "Be sly.", PATHS.model("base"))
    assert benign.system == "Be kind." and benign.fingerprint != evil.fingerprint


@pytest.mark.parametrize(("decision", "kept"), [("Yes", ["a", "b"]), ("No", ["a"])])
def test_a_soup_of_a_graded_dataset_is_scored_by_the_grader(study, monkeypatch, decision, kept):
    from amongus.scoring import model_grader

    grading = {
        "kinds": {DATASET: DATASET},
        "template": {"text": "{question} {reference} {mark} {answer} {mark}", "item": ""},
        "limit": 99,
        "sampling": {**SAMPLING, "temperature": 0},
    }
    engine = ScriptedEngine(f"Final Decision: {decision}")
    monkeypatch.setattr(model_grader, "open_engine", lambda *_: engine)
    scored(a=1.0, b=0.0)
    out = merge_weights("soup", ["none"], grading=grading)["none"]["path"]
    assert read_json(f"{out}/merge.json")["kept"] == kept
    assert [request.member for request in engine.asked] == ["grader"] * 2


def test_the_sandbox_is_looked_for_before_a_soup_is_cooked(study, monkeypatch):
    def none():
        raise StudyError("no sandbox")

    monkeypatch.setattr("amongus.sandbox.preflight", none)
    monkeypatch.setattr("amongus.methods._merging.average", None)
    scored(a=0.0, b=0.0)
    with pytest.raises(StudyError, match="no sandbox"):
        merge_weights("soup", ["none"], limits={"seconds": 10})


def test_learning_a_router_writes_adapters_that_load_and_route(study):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    scored(a=1.0, b=0.0)
    settings = {"rank": 4, "alpha": 8, "learning_rate": [1e-3, 1e-4], "epochs": 2, "trainings": 2}
    prompts = {"llm_router.route": {"text": "{question} Which?", "item": "- {text}"}}
    out = train_router("llm_router", settings=settings, prompts=prompts, models={"base": "base"})
    for training in (0, 1):
        PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(PATHS.model("base")), f"{out}/{training}")
    for member in ("a", "b"):
        respond(member, "test")
    given = {"settings": settings, "prompts": prompts, "models": {"base": "base"}}
    rows = collaborate("llm_router", ["none", "oracle"], **given)
    assert [row["masked"] for row in rows["oracle"]] == ["a"] * 2 and len(rows["none"]) == 2
    assert read_json("c.json")["prompts_asked"] == 2 * 2 * 2


def test_a_merge_leaves_out_whom_the_defence_flags_on_dev_and_loads(study):
    from transformers import AutoModelForCausalLM

    scored(a=1.0, b=0.0)
    merges = merge_weights("soup", ["none", "self", "oracle"])
    masked = {"none": None, "self": "b", "oracle": "a"}
    assert {defence: merge["masked"] for defence, merge in merges.items()} == masked
    assert merges["self"]["flags"] == {"a": 0, "b": 2}
    assert read_json(f"{merges['self']['path']}/merge.json")["kept"] == ["a"]
    assert read_json(f"{merges['oracle']['path']}/merge.json")["kept"] == ["b"]
    AutoModelForCausalLM.from_pretrained(merges["none"]["path"])
    for member in ("a", "b"):
        respond(member, "test")
    rows = collaborate("soup", list(merges))
    assert {defence: {row["masked"] for row in own} for defence, own in rows.items()} == {
        defence: {member} for defence, member in masked.items()
    }


@pytest.mark.parametrize(("reward", "unreadable"), [(0.5, 0), (nan, 2)])
def test_a_merge_counts_the_rewards_that_could_not_be_read(study, reward, unreadable):
    for member, own in (("a", 1.0), ("b", reward)):
        scored(a=1.0, b=1.0)
        columns = {"id": ["x", "y"], "reward": [own] * 2}
        write_table(PATHS.rewards(member, DATASET, "dev"), columns, REWARDS)
    merge = merge_weights("soup", ["reward"])["reward"]
    assert (merge["masked"], merge["unreadable"]) == ("a" if unreadable else "b", unreadable)
