"""The schema of studies, which is generated."""

import yaml
from jsonschema import Draft202012Validator

from amongus.study.loading import read_configs
from amongus.study.schema import text
from checkout import ROOT

SCHEMA = ROOT / "config" / "schema.yaml"


def problems(*names):
    schema = yaml.safe_load(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    config = read_configs([ROOT / "config" / f"{name}.yaml" for name in names])
    return list(Draft202012Validator(schema).iter_errors(config)), config, schema


def test_it_is_what_the_settings_say():
    assert SCHEMA.read_text() == text(), "run make schema"


def test_it_holds_for_the_projects_studies_and_refuses_what_they_would():
    for names in (["demo"], ["demo", "demo_full"], ["sample"], ["paper", "rehearsal"]):
        assert problems(*names)[0] == []
    _, config, schema = problems("paper")
    for section, name, wrong in (
        ("attackers", "sft", {"warmup": "ten percent"}),
        ("attackers", "steering", {"layer": -3}),
        ("methods", "debate", {"rounds": "three"}),
        ("models", "qwen", {"kind": "worker"}),
    ):
        changed = {**config, section: {**config[section], name: {**config[section][name], **wrong}}}
        (error,) = Draft202012Validator(schema).iter_errors(changed)
        assert list(error.absolute_path) == [section, name]
