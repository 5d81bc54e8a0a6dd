"""Modules by name, or a study's own files, and their constants read without importing them."""

import subprocess
import sys

import pytest

from amongus.core.errors import StudyError
from amongus.study import plugins
from checkout import ROOT


def test_packages_list_their_modules():
    assert {"prompt", "sft", "steering", "grpo"} <= set(plugins.available("attackers"))
    assert not [name for name in plugins.available("models") if name.startswith("_")]


def test_facts_are_read_without_running_the_module(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("LEVEL = 'text'\nNEEDS: tuple = ('rewards',)\nlower = 1\nDEEP = len('x')\nraise SystemExit\n")
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


@pytest.mark.parametrize(("package", "name"), [("methods", "x"), ("methods", "../defences/none"), ("methods", "no.py")])
def test_unknown_names_are_one_line(package, name):
    with pytest.raises(StudyError) as error:
        plugins.entry(package, name)
    assert name in str(error.value) and "\n" not in str(error.value)


def import_all(packages, statement=""):
    """Import all modules of some packages in a process of its own; the heavy libraries that came with them."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        f"{statement}\n"
        "import amongus.study.loading, amongus.study.plugins as plugins\n"
        f"for package in {packages}:\n"
        "    [plugins.module(package, name) for name in plugins.available(package)]\n"
        "print(*{'torch', 'transformers', 'peft', 'trl', 'numpy', 'pandas', 'pyarrow'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", code, str(ROOT / "workflow" / "scripts")]
    return set(subprocess.run(command, check=True, timeout=120, capture_output=True, text=True).stdout.split())


def test_settings_are_read_without_heavy_libraries():
    assert import_all(["attackers", "defences", "datasets", "methods", "models"]) == set()


def test_jobs_that_need_no_model_import_no_torch():
    scripts = "import dataset, score, member, table, figure, amongus.team.runner"
    assert import_all(["scoring.metrics", "report.tables"], scripts) <= {"numpy", "pandas", "pyarrow"}
