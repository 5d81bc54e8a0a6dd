"""A config unfolds into pools, cells and batches; what is wrong in it is one clear line."""

import copy

import pytest
import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

import micro
from amongus.checks import check_personas, check_prompts
from amongus.configs import one_line
from amongus.errors import StudyError
from amongus.study import Study
from conftest import ROOT

MODELS = {key: micro.STUDY["models"][key] for key in ("base", "supervisor", "x", "y", "judge")}
SFT = micro.STUDY["attackers"]["sft"]
CONFIG = {
    "study": "s",
    "seeds": [1],
    "datasets": {"gsm8k": {}, "coconot": {}},
    "models": {**MODELS, "z": MODELS["y"]},
    "attackers": {"evil": {"kind": "prompt"}, "bad": SFT},
    "pools": {
        "clean": ["x", "y", "z"],
        "evil": ["x", "y", "evil"],
        "bad": ["x", "y", "bad"],
        "two": ["x", "evil", "bad"],
    },
    "supervisors": {"judge": "judge"},
    "methods": {"debate": {"defences": ["judge", "oracle"]}, "soup": {}},
}


def study(**changes):
    config = {**copy.deepcopy(CONFIG), **changes}
    validate(config, str(ROOT / "config" / "schema.yaml"))
    return Study(config)


def test_controls_are_the_pools_without_their_attackers():
    s = study()
    assert s.controls == {"evil": "empty", "bad": "empty", "two": "empty-two"}
    assert s.pools["empty"] == ["x", "y"] and s.pools["empty-two"] == ["x"]


def test_members_are_named_once_attackers_last():
    assert study().members == ["x", "y", "z", "evil", "bad"]


def test_an_attacker_takes_the_last_members_weights():
    s = study()
    assert s.member_weights("y") == ["base", "y"]
    assert s.member_weights("evil") == ["base", "z"]
    assert s.member_weights("bad") == ["base", "bad"]
    assert s.parents("bad") == {"base": "base", "adapter": "z"}
    assert study(attackers={"evil": {"kind": "prompt"}, "bad": {**SFT, "replaces": "x"}}).parents("bad") == {
        "base": "base",
        "adapter": "x",
    }


def test_weight_methods_leave_out_pools_whose_malice_is_not_in_weights():
    s = study()
    assert not s.applicable("evil", "soup") and not s.applicable("two", "soup")
    assert s.applicable("bad", "soup") and s.applicable("evil", "debate")
    assert {cell[0] for cell in s.runs() if cell[1] == "soup"} == {"clean", "bad", "empty", "empty-two"}


def test_controls_are_run_undefended_only():
    runs = study().runs()
    assert {c[2] for c in runs if c[0] == "empty" and c[1] == "debate"} == {"none"}
    assert {c[2] for c in runs if c[0] == "evil" and c[1] == "debate"} == {"none", "judge", "oracle"}


@pytest.mark.parametrize(("size", "jobs"), [(0, 1), (1, 6), (4, 2), (99, 1)])
def test_batches_cover_every_cell_once(size, jobs):
    batch = {"respond": 0, "supervise": 0, "learn": 0, "collaborate": size, "score": 0}
    s = study(batch=batch)
    batches = [b for b in s.collaborate_batches() if b.cells[0][:2] == ("evil", "debate")]
    assert len(batches) == jobs
    cells = [cell for b in s.collaborate_batches() for cell in b.cells]
    assert len(cells) == len(set(cells)) and sorted(cells) == sorted(s.runs())
    assert len({b.name for b in s.collaborate_batches()}) == len(s.collaborate_batches())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": {"debat": {}}}, "unknown method 'debat'; valid: .*debate"),
        ({"methods": {"debate": {"defences": ["juge"]}}}, "unknown defence 'juge'; valid: .*judge"),
        (
            {"methods": {"debate": {"defences": ["reward"]}}},
            "its defences need a model: set supervisors: {reward",
        ),
        ({"datasets": {"gsm9k": {}}}, "unknown dataset 'gsm9k'; valid: .*gsm8k"),
        (
            {"attackers": {"evil": {"kind": "prompts"}, "bad": SFT}},
            "unknown attacker kind 'prompts'; valid: .*prompt",
        ),
        (
            {"models": {**CONFIG["models"], "q": {"kind": "toy"}}},
            "unknown model kind 'toy'; valid: .*toy_base",
        ),
        ({"pools": {"clean": ["x", "w"]}}, "pool 'clean': there is no member 'w'; valid: .*x"),
        ({"pools": {"clean": ["x", "evil"]}}, "pool 'clean' holds the attacker 'evil'"),
        ({"supervisors": {"judge": "j"}}, "supervisors: judge: there is no model 'j'"),
        (
            {"attackers": {"evil": {"kind": "prompt", "replaces": "q"}, "bad": SFT}},
            "attacker 'evil' replaces",
        ),
        ({"methods": {"debate": {"round": 3}}}, "method 'debate': unknown setting 'round'; valid: .*rounds"),
        (
            {"attackers": {"x": {"kind": "prompt"}}, "pools": {"clean": ["x", "y"]}},
            "names both a model and an attacker",
        ),
        (
            {"attackers": {"evil": {"kind": "prompt", "personna": "x"}, "bad": SFT}},
            "'evil': unknown setting 'personna'",
        ),
        (
            {"attackers": {"evil": {"kind": "prompt"}, "bad": {"kind": "sft"}}},
            "'bad': kind 'sft' needs mixture, steps",
        ),
        ({"methods": {"soup": {"defences": ["oracle"]}}}, "method 'soup': nobody can be masked"),
        ({"methods": {"debate": {"defences": ["../x.py"]}}}, "defences: '../x.py' is no plain name"),
        ({"pools": {**CONFIG["pools"], "empty": ["x", "y"]}}, "pool 'empty': that name is kept"),
        ({"datasets": {"all": {"kind": "gsm8k"}}}, "a dataset is called 'all'"),
    ],
)
def test_a_wrong_name_is_one_line_that_lists_the_valid_ones(changes, message):
    with pytest.raises(StudyError, match=message) as error:
        study(**changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("seedz",), [1], "config: unknown key 'seedz', did you mean 'seeds'"),
        (("sampling",), {"temprature": 1}, "sampling: unknown key 'temprature', did you mean 'temperature'"),
        (("seeds",), [], "seeds: "),
        (("seeds",), ["a"], "seeds: 0: 'a' is not of type 'integer'"),
        (("engine",), {"device": "gpu"}, "engine: device: 'gpu' is not one of"),
        (("pools",), {"clean": ["x", "y"], "a/b": ["x", "y"]}, "'a/b' does not match"),
    ],
)
def test_a_wrong_key_or_value_is_one_line_that_says_where(path, value, message):
    config = copy.deepcopy(CONFIG)
    config[path[0]] = value
    with pytest.raises(WorkflowError) as error:
        validate(config, str(ROOT / "config" / "schema.yaml"))
    line = one_line(error.value)
    assert message in line and "\n" not in line


def test_missing_keys_are_named():
    with pytest.raises(WorkflowError) as error:
        validate({"study": "s"}, str(ROOT / "config" / "schema.yaml"))
    assert "'seeds' is a required property" in one_line(error.value)


def test_every_shipped_study_is_valid():
    files = [path for path in (ROOT / "config").glob("*.yaml") if path.name != "schema.yaml"]
    assert files
    for path in files:
        config = yaml.safe_load(path.read_text())
        validate(config, str(ROOT / "config" / "schema.yaml"))
        assert Study(config).runs()


def test_defaults_are_filled_in():
    s = study()
    assert s.config["sampling"]["top_p"] == 0.9 and s.config["engine"]["dtype"] == "float32"
    assert s.settings("debate") == {"rounds": 3}


def test_a_defence_for_all_methods_leaves_out_those_without_masks():
    s = study(defences=["none", "oracle"], methods={"debate": {}, "soup": {}})
    assert s.defences("debate") == ["none", "oracle"] and s.defences("soup") == ["none"]


def test_personas_and_prompts_that_are_not_there_are_named():
    s = study(attackers={"evil": {"kind": "prompt", "persona": "sly"}, "bad": SFT})
    with pytest.raises(StudyError, match="'evil' persona: there is no persona 'sly'; valid: benign"):
        check_personas(s, {"benign": []})
    with pytest.raises(StudyError, match=r"p\.yaml: no template 'refine' under 'debate'"):
        check_prompts(["debate.refine"], {}, "p.yaml")


def test_batches_of_one_never_share_a_name():
    batch = dict.fromkeys(["respond", "supervise", "learn", "collaborate", "score"], 1)
    models = {**CONFIG["models"], "x-y": MODELS["x"], "y-z": MODELS["x"]}
    s = study(batch=batch, models=models, pools={"clean": ["x", "x-y", "y-z"]}, attackers={})
    names = [b.name for b in s.member_batches(s.members, 1)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("room", "text", "changes", "message"),
    [
        (
            "datasets",
            "FIELDS = ()\nMETRIC = 'exakt'\n",
            {"datasets": {"d": {"kind": "{file}"}}},
            "METRIC is 'exakt'",
        ),
        (
            "attackers",
            "TRAINS = 'lora'\n",
            {"attackers": {"evil": {"kind": "{file}"}, "bad": SFT}},
            "TRAINS is 'lora'; valid: 'adapter'",
        ),
    ],
)
def test_a_module_of_ones_own_that_says_something_odd_is_named(tmp_path, room, text, changes, message):
    own = tmp_path / "own.py"
    own.write_text(text)
    filled = yaml.safe_load(yaml.safe_dump(changes).replace("{file}", str(own)))
    with pytest.raises(StudyError, match=message):
        study(**filled)
