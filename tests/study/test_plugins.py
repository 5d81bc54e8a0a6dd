"""Modules by name, or a study's own files, and their constants read without importing them."""

import subprocess
import sys

import pytest

from amongus.core.errors import StudyError
from amongus.study import plugins
from checkout import ROOT


def test_rooms_list_their_modules():
    assert plugins.available("methods") == [
        "contrastive",
        "dare_ties",
        "debate",
        "feedback",
        "fusion",
        "graph_router",
        "llm_router",
        "soup",
    ]
    assert {"prompt", "sft", "steering", "grpo"} <= set(plugins.available("attackers"))
    assert not {"common", "job", "_sft", "router"} & set(plugins.available("models"))


def test_facts_are_read_without_running_the_module(tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "LEVEL = 'text'\nNEEDS: tuple = ('rewards',)\nlower = 1\nDEEP = len('x')\nraise SystemExit\n"
    )
    assert plugins.fact("methods", str(own), "LEVEL") == "text"
    assert plugins.fact("methods", str(own), "NEEDS") == ("rewards",)
    assert plugins.fact("methods", str(own), "lower", "none") == "none"
    with pytest.raises(StudyError, match=r"own\.py: DEEP must be a literal"):
        plugins.fact("methods", str(own), "DEEP", "none")


def test_a_file_of_the_studys_own_is_imported_once(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("calls = []\ndef decide(case):\n    return ['mine']\n")
    loaded = plugins.module("defences", str(own))
    assert loaded.decide(None) == ["mine"]
    assert plugins.module("defences", str(own)) is loaded


@pytest.mark.parametrize(
    ("room", "name"), [("methods", "x"), ("methods", "../defences/none"), ("methods", "no.py")]
)
def test_unknown_names_are_one_line(room, name):
    with pytest.raises(StudyError) as error:
        plugins.entry(room, name)
    assert name in str(error.value) and "\n" not in str(error.value)


def test_jobs_that_need_no_model_import_no_torch():
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import dataset, score, member, impact, mitigation, supervisors, cost, figures, plan, doctor\n"
        "import amongus.study.study, amongus.team.runner\n"
        "from amongus.study import plugins\n"
        "for package in ('attackers', 'methods', 'defences', 'datasets', 'scoring.metrics'):\n"
        "    [plugins.module(package, name) for name in plugins.available(package)]\n"
        "heavy = {'torch', 'transformers', 'peft', 'trl'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    scripts = str(ROOT / "workflow" / "scripts")
    subprocess.run([sys.executable, "-c", code, scripts], check=True, timeout=120)
