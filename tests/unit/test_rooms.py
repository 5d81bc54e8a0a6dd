"""Modules by name, or a study's own files, and their constants read without importing them."""

import subprocess
import sys

import pytest

from amongus import rooms
from amongus.errors import StudyError
from conftest import ROOT


def test_rooms_list_their_modules():
    assert rooms.available("methods") == [
        "contrastive",
        "dare_ties",
        "debate",
        "feedback",
        "fusion",
        "graph_router",
        "llm_router",
        "soup",
    ]
    assert {"prompt", "sft", "steering", "grpo"} <= set(rooms.available("attackers"))
    assert not {"common", "job", "_sft", "router"} & set(rooms.available("training"))


def test_facts_are_read_without_running_the_module(tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "LEVEL = 'text'\nNEEDS: tuple = ('rewards',)\nlower = 1\nDEEP = len('x')\nraise SystemExit\n"
    )
    assert rooms.fact("methods", str(own), "LEVEL") == "text"
    assert rooms.fact("methods", str(own), "NEEDS") == ("rewards",)
    assert rooms.fact("methods", str(own), "lower", "none") == "none"
    with pytest.raises(StudyError, match=r"own\.py: DEEP must be a literal"):
        rooms.fact("methods", str(own), "DEEP", "none")


def test_a_file_of_the_studys_own_is_imported_once(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("calls = []\ndef decide(case):\n    return ['mine']\n")
    loaded = rooms.module("defences", str(own))
    assert loaded.decide(None) == ["mine"]
    assert rooms.module("defences", str(own)) is loaded


@pytest.mark.parametrize(
    ("room", "name"), [("methods", "x"), ("methods", "../defences/none"), ("methods", "no.py")]
)
def test_unknown_names_are_one_line(room, name):
    with pytest.raises(StudyError) as error:
        rooms.entry(room, name)
    assert name in str(error.value) and "\n" not in str(error.value)


def test_jobs_that_need_no_model_import_no_torch():
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import dataset, score, member, impact, mitigation, supervisors, cost, figures, plan, doctor\n"
        "import amongus.study, amongus.collaboration\n"
        "from amongus import rooms\n"
        "for room in ('attackers', 'methods', 'defences', 'datasets', 'scoring'):\n"
        "    [rooms.module(room, name) for name in rooms.available(room)]\n"
        "heavy = {'torch', 'transformers', 'peft', 'trl'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    scripts = str(ROOT / "workflow" / "scripts")
    subprocess.run([sys.executable, "-c", code, scripts], check=True, timeout=120)
