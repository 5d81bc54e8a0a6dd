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
        "amongus/core/__init__.py": "",
        "amongus/core/download.py": "from amongus.d import w\n",
        "amongus/d.py": "def w():\n    return 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(digests, "SCRIPTS", tmp_path)
    digests.forget()
    yield tmp_path
    digests.forget()


def change(package, name, text):
    (package / name).write_text(text)
    digests.forget()
    return code_digest("run")


OTHER_LAYOUT = (
    '# new\nimport json\nfrom amongus import b\n\n\n\ndef f(x):\n    """Other."""\n    return b.g(\n        x)\n'
)
FIELD = "from pydantic import Field\nx = Field(3, ge={}, description='{}')\n"
EMPTY = "def g(x):\n    {}\n"
LATE = "def g(x):\n    from amongus.c import h\n    return h(x)\n"
CARRIED = "from amongus.core.download import w\n\ndef g(x):\n    return x\n"


@pytest.mark.parametrize(
    ("before", "name", "text", "same"),
    [
        ("", "a", OTHER_LAYOUT, True),
        ("", "b", "def g(x):\n    return x + 2\n", False),
        ("", "c", "def h(x):\n    return 2 * x\n", True),
        (LATE, "c", "def h(x):\n    return 3 * x\n", False),
        # A function that is only a docstring is still a function.
        (EMPTY.format('"""Nothing."""'), "b", EMPTY.format("pass"), True),
        (FIELD.format(1, "Old."), "b", FIELD.format(1, "New."), True),
        (FIELD.format(1, "Old."), "b", FIELD.format(2, "Old."), False),
        # What only carries pinned files, and whatever only that reaches, does not count.
        (CARRIED, "core/download", "from amongus.d import w\nTRIES = 9\n", True),
        (CARRIED, "d", "def w():\n    return 2\n", True),
    ],
)
def test_what_can_change_a_result_changes_the_digest_and_nothing_else(package, before, name, text, same):
    digest = change(package, "amongus/b.py", before) if before else code_digest("run")
    assert (change(package, f"amongus/{name}.py", text) == digest) == same


def test_entries_are_scripts_modules_and_files_outside_the_package(package, tmp_path):
    assert code_digest("run", "amongus.c") != code_digest("run")
    own = tmp_path / "own.py"
    own.write_text("from amongus.b import g\n")
    before = code_digest(str(own))
    change(package, "amongus/b.py", "def g(x):\n    return 0\n")
    assert code_digest(str(own)) != before
    with pytest.raises(StudyError, match=r"amongus\.nowhere"):
        code_digest("amongus.nowhere")
