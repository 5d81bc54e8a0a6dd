"""What is wrong in a config is one clear line, before anything runs."""

import copy

import pytest
import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config, validate

from amongus.core.errors import StudyError
from amongus.study.loading import one_line
from amongus.study.study import Study
from amongus.study.validation import check_personas, check_prompts
from checkout import ROOT
from studied import CONFIG, LIES, MODELS, SFT, TUNING, study

BELOW = {"demo_full": "demo", "rehearsal": "paper"}  # Studies that lie on top of others.


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
        (
            {"models": {**CONFIG["models"], "x": {**MODELS["x"], "related": ["q"]}}},
            "model 'x' related: there is no model 'q'; valid: .*judge",
        ),
        (
            {"attackers": {"evil": {"kind": "prompt", "trained_against": "q"}, "bad": SFT}},
            "attacker 'evil' trained_against: there is no model 'q'; valid: .*judge",
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
            "'bad': kind 'sft' needs data, epochs, max_length, batch_size, learning_rate, warmup, scheduler",
        ),
        (
            {"attackers": {"evil": {"kind": "prompt"}, "bad": {"kind": "toy_sft", **TUNING, "steps": 3}}},
            "'bad': kind 'toy_sft' needs mixture",
        ),
        (
            {"attackers": {"evil": {"kind": "prompt"}, "bad": {"kind": "sft", **TUNING, **LIES}}},
            "'bad' data: there is no data 'lies'; valid:",
        ),
        (
            {"resources": {"trainings": {"nobody": {"gpu": 2}}}},
            "resources: trainings: there is no training 'nobody'",
        ),
        ({"methods": {"debate": {"defences": ["../x.py"]}}}, r"\.\./x\.py: no such file"),
        ({"methods": {"debate": {"defences": ["a/x.py", "b/x.py"]}}}, "would both be called 'x'"),
        ({"methods": {"debate": {"fidelity": "exact"}}}, "fidelity is 'exact'; valid: 'corrected'"),
        ({"methods": {"dare_ties": {"base": "q"}}}, "'dare_ties' base: there is no model 'q'"),
        (
            {"methods": {"graph_router": {}}},
            "method 'graph_router' needs a model: set methods: graph_router: embedder; valid: base, .*judge",
        ),
        (
            {"datasets": {"gsm8k": {"scored_by": "verifier"}}},
            r"dataset 'gsm8k': scored_by needs a model: set supervisors: \{verifier",
        ),
        (
            {"datasets": {"coconot": {"scored_by": "verifier"}}},
            r"'coconot': scored_by is verifier, but amongus.datasets.coconot has no reference\(item\)",
        ),
        (
            {"supervisors": {"judge": "judge", "verifier": "v"}},
            "supervisors: verifier: there is no model 'v'",
        ),
        (
            {"supervisors": {"judge": "judge", "verifier": "x"}},
            "supervisors: verifier: 'x' is an adapter; name a model that stands alone",
        ),
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
        if path.stem in BELOW:
            below = yaml.safe_load((ROOT / "config" / f"{BELOW[path.stem]}.yaml").read_text())
            update_config(below, config)
            config = below
        validate(config, str(ROOT / "config" / "schema.yaml"))
        assert Study(config).runs()


WHOLE = {"pools": {"clean": ["base", "supervisor"]}, "attackers": {}}
STRANGER = {**MODELS["y"], "base": "supervisor"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (WHOLE, "no member with an adapter"),
        (
            {"models": {**MODELS, "z": STRANGER}, "pools": {"clean": ["x", "y", "z"]}, "attackers": {}},
            r"adapters of several bases \(base, supervisor\)",
        ),
    ],
)
def test_updates_are_relative_to_one_base_or_the_study_names_it(changes, found):
    line = rf"method 'merge': pool 'clean' has {found}, so no common base; .*: set methods: merge: base$"
    with pytest.raises(StudyError, match=line):
        study(**changes, methods={"merge": {"kind": "dare_ties"}})
    for settings, models in (({"base": "base"}, {"base": "base"}), ({"fidelity": "published"}, {})):
        s = study(**changes, methods={"dare_ties": settings, "llm_router": {}})
        assert s.method_models("dare_ties") == models
        # A router is built on the base of most.
        assert s.method_models("llm_router") == {"base": "base"}


def test_the_base_of_all_adapters_is_the_default_also_beside_whole_checkpoints():
    s = study(methods={"dare_ties": {}})
    assert s.method_models("dare_ties") == {"base": "base"}
    mixed = study(pools={"clean": ["supervisor", "judge", "x"]}, attackers={}, methods={"dare_ties": {}})
    assert mixed.method_models("dare_ties") == {"base": "base"}


def test_personas_and_prompts_that_are_not_there_are_named():
    s = study(attackers={"evil": {"kind": "prompt", "persona": "sly"}, "bad": SFT})
    with pytest.raises(StudyError, match="'evil' persona: there is no persona 'sly'; valid: benign"):
        check_personas(s, {"benign": []})
    with pytest.raises(StudyError, match=r"p\.yaml: no template 'refine' under 'debate'"):
        check_prompts(["debate.refine"], {}, "p.yaml")


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
