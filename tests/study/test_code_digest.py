"""Digests of code see what can change a result and nothing else."""

import pytest

from amongus.core.errors import StudyError
from amongus.study import code_digest as digests
from amongus.study.code_digest import code_digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `amongus` of three modules, reachable from the script `run`."""
    files = {
        "run.py": "from amongus.a import f\nprint(f(1))\n",
        "amongus/__init__.py": "",
        "amongus/a.py": '"""Doc."""\nimport json\nfrom amongus import b\n\ndef f(x):\n    """Doc."""\n    return b.g(x)\n',
        "amongus/b.py": "def g(x):\n    return x + 1\n",
        "amongus/c.py": "def h(x):\n    return x\n",
        "amongus/pinned.py": "from amongus.d import w\n",
        "amongus/d.py": "def w():\n    return 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(digests, "SCRIPTS", tmp_path)
    digests.forget()
    yield tmp_path
    digests.forget()


def change(package, name, text):
    (package / name).write_text(text)
    digests.forget()
    return code_digest("run")


def test_comments_docstrings_and_layout_change_nothing(package):
    before = code_digest("run")
    text = '# new\nimport json\nfrom amongus import b\n\n\n\ndef f(x):\n    """Other."""\n    return b.g(\n        x)\n'
    assert change(package, "amongus/a.py", text) == before


def test_code_changes_it_however_deep(package):
    before = code_digest("run")
    assert change(package, "amongus/b.py", "def g(x):\n    return x + 2\n") != before


def test_unreached_modules_do_not_count(package):
    before = code_digest("run")
    assert change(package, "amongus/c.py", "def h(x):\n    return 2 * x\n") == before
    assert code_digest("run", "amongus.c") != before


def test_a_function_that_is_only_a_docstring_is_still_a_function(package):
    assert change(package, "amongus/b.py", 'def g(x):\n    """Nothing."""\n') == change(
        package, "amongus/b.py", "def g(x):\n    pass\n"
    )


def test_what_carries_pinned_files_does_not_count(package):
    before = change(package, "amongus/b.py", "from amongus.core.download import w\n\ndef g(x):\n    return x\n")
    assert change(package, "amongus/pinned.py", "from amongus.d import w\nTRIES = 9\n") == before
    assert change(package, "amongus/d.py", "def w():\n    return 2\n") == before


def test_imports_inside_functions_count(package):
    before = change(package, "amongus/b.py", "def g(x):\n    from amongus.c import h\n    return h(x)\n")
    assert change(package, "amongus/c.py", "def h(x):\n    return 3 * x\n") != before


def test_an_outside_file_is_an_entry(package, tmp_path):
    own = tmp_path / "own.py"
    own.write_text("from amongus.b import g\n")
    before = code_digest(str(own))
    change(package, "amongus/b.py", "def g(x):\n    return 0\n")
    assert code_digest(str(own)) != before


def test_an_unknown_module_is_an_error():
    with pytest.raises(StudyError, match=r"amongus\.nowhere"):
        code_digest("amongus.nowhere")


def test_descriptions_of_settings_change_nothing_and_their_ranges_do(package):
    text = "from pydantic import Field\nx = Field(3, ge={}, description='{}')\n"
    before = change(package, "amongus/b.py", text.format(1, "Old."))
    assert change(package, "amongus/b.py", text.format(1, "New.")) == before
    assert change(package, "amongus/b.py", text.format(2, "New.")) != before
