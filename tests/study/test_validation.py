"""What is wrong in a config is a line that says where, what, and what is allowed, before anything runs."""

import copy

import pytest
import yaml
from snakemake.utils import update_config

import micro
from amongus.core.errors import ConfigError, StudyError
from amongus.study.loading import load_study
from amongus.study.validation import check_personas, check_prompts
from checkout import ROOT
from studied import CONFIG, MODELS, SFT, study

MISTAKES = yaml.safe_load((ROOT / "tests" / "data" / "config_mistakes.yaml").read_text())
OVER = {"demo_full": "demo", "rehearsal": "paper"}  # Studies that are merged over others.


def merged(change):
    """The config of the study, and a steering attacker in no pool, with `change` merged into it."""
    config = copy.deepcopy(CONFIG)
    config["attackers"]["bent"] = {**micro.STUDY["attackers"]["steering"], "datasets": ["gsm8k"]}
    update_config(config, copy.deepcopy(change))
    return config


def lines(config, files=()):
    """What is said of a config that is wrong."""
    with pytest.raises(ConfigError) as error:
        load_study(config, files)
    return str(error.value).split("\n")


@pytest.mark.parametrize(("change", "line"), MISTAKES, ids=[line[:50] for _, line in MISTAKES])
def test_a_mistake_is_one_line_that_says_where_and_what_is_allowed(change, line):
    (found,) = lines(merged(change))
    assert found.startswith(f"config: {line}")


def test_all_mistakes_are_told_and_the_files_that_they_are_in(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(yaml.safe_dump({**CONFIG, "engine": {"device": "gpu"}, "fidelity": "exact"}))
    second.write_text("engine: {dtype: int8}\nattackers: {bad: {warmup: 2}}\n")
    config = yaml.safe_load(first.read_text())
    update_config(config, yaml.safe_load(second.read_text()))
    update_config(config, {"seeds": ["1", "one"]})  # As on the command line.
    assert {tuple(line.split(": ")[:3]) for line in lines(config, [first, second])} == {
        (str(second), "attackers", "bad"),
        ("config", "seeds", "1"),
        (str(first), "engine", "device"),
        (str(second), "engine", "dtype"),
        (
            str(first),
            "fidelity",
            "'exact' must be 'corrected' or 'published' (Where the published code deviates"
            " from its own description in a way that changes results (debate, feedback, fusion, contrastive, dare_ties)",
        ),
    }


def test_missing_keys_are_named():
    (line,) = lines({"study": "s"})
    assert line == "config: needs seeds, datasets, models, pools, methods"


def test_numbers_may_be_text_as_yaml_and_the_command_line_give_them():
    assert yaml.safe_load("2e-3") == "2e-3"
    s = load_study(merged({"attackers": {"bad": {"learning_rate": "2e-3", "steps": "3"}}, "seeds": ["1", "02"]}))
    bad = s.attackers["bad"]
    assert (bad.learning_rate, bad.steps, s.seeds) == (0.002, 3, [1, 2])


def test_every_shipped_study_is_valid_and_means_the_same_when_it_is_written_out():
    files = [path for path in (ROOT / "config").glob("*.yaml") if path.name != "schema.yaml"]
    assert files
    for path in files:
        config = {}
        for name in filter(None, (OVER.get(path.stem), path.stem)):
            update_config(config, yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text()))
        s = load_study(config)
        assert s.teams and load_study(s.config.plain()).config == s.config


def test_two_files_of_one_name_are_refused(tmp_path):
    files = [tmp_path / folder / "x.py" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        file.write_text("")
    (line,) = lines(merged({"methods": {"debate": {"defences": list(map(str, files))}}}))
    assert "would both be called 'x'" in line


WHOLE = {"pools": {"clean": ["base", "supervisor"]}, "attackers": {}}
STRANGER = {**MODELS["y"], "base": "supervisor"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (WHOLE, "no member with an adapter"),
        (
            {"models": {**MODELS, "z": STRANGER}, "pools": {"clean": ["x", "y", "z"]}, "attackers": {}},
            "adapters of several bases (base, supervisor)",
        ),
    ],
)
def test_updates_are_relative_to_one_base_or_the_study_names_it(changes, found):
    (line,) = lines({**CONFIG, **changes, "methods": {"merge": {"kind": "dare_ties"}}})
    assert line.startswith(f"config: methods: merge: base: pool 'clean' has {found}")
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
    with pytest.raises(StudyError, match="attackers: evil: persona: there is no persona 'sly'; valid: benign"):
        check_personas(s, {"benign": []})
    with pytest.raises(StudyError, match=r"p\.yaml: no template 'refine' under 'debate'"):
        check_prompts(["debate.refine"], {}, "p.yaml")


@pytest.mark.parametrize(
    ("section", "text", "says"),
    [
        ("datasets", "FIELDS = ()\nMETRIC = 'exakt'\n", "METRIC of {file} is 'exakt', did you mean 'exact'?"),
        ("attackers", "TRAINS = 'lora'\n", "TRAINS of {file} is 'lora'; valid: 'adapter'"),
        ("attackers", "TRAINS = None\nSettings = dict\n", "{file}: Settings must be a class derived from"),
        ("attackers", "import nowhere\n", "{file}: cannot be imported (ModuleNotFoundError"),
        ("attackers", "TRAINS = = 1\n", "{file}: cannot be imported (SyntaxError"),
    ],
)
def test_a_module_of_ones_own_that_says_something_odd_is_named(tmp_path, section, text, says):
    own = tmp_path / "own.py"
    own.write_text(text)
    (line,) = lines(merged({section: {"own": {"kind": str(own)}}}))
    assert line.startswith(f"config: {section}: own") and says.format(file=own) in line


def test_a_module_of_ones_own_has_settings_that_are_checked_alike(tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "from amongus.study.settings import Share, Strict\n\n"
        "TRAINS = None\n\nclass Settings(Strict):\n    dose: Share = 0.5\n"
    )
    s = load_study(merged({"attackers": {"own": {"kind": str(own)}}}))
    assert s.member_description("own")["attacker"] == {"kind": str(own), "dose": 0.5}
    (line,) = lines(merged({"attackers": {"own": {"kind": str(own), "dose": "much"}}}))
    assert line.startswith("config: attackers: own: dose: 'much' must be a number")
