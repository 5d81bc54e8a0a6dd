"""Finding a method, defence, attacker, training or dataset by its name: a module of that name, no registry.

A name that ends in `.py` is a file of the study's own, outside the package.
"""

import ast
import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from amongus.core.errors import StudyError
from amongus.study.code_digest import SCRIPTS

_COMPUTED = object()
_HELPERS: dict[str, set[str]] = {}


def available(room: str) -> list[str]:
    """The names that `room` (methods, defences, attackers, training, datasets) offers, sorted."""
    return sorted(_modules(SCRIPTS.joinpath("amongus", *room.split("."))))


@cache
def _modules(folder: Path) -> frozenset[str]:
    helpers = _HELPERS.get(folder.name, set())
    names = {path.stem for path in folder.glob("*.py")}
    return frozenset(name for name in names if not name.startswith("_") and name not in helpers)


def entry(room: str, name: str) -> str:
    """What `code_digest` calls the module `name` of `room`.

    Raises:
        StudyError: there is no such module; the line lists the valid names.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise StudyError(
                f"{name}: no such file; give the path of a Python file or a name of {_names(room)}"
            )
        return name
    if name not in _modules(SCRIPTS.joinpath("amongus", *room.split("."))):
        raise StudyError(f"unknown {_singular(room)} '{name}'; valid: {_names(room)}")
    return f"amongus.{room}.{name}"


def module(room: str, name: str) -> ModuleType:
    """Import the module `name` of `room`, or the Python file `name`.

    Raises:
        StudyError: there is no such module.
    """
    dotted = entry(room, name)
    if not dotted.endswith(".py"):
        return importlib.import_module(dotted)
    path = Path(dotted).resolve()
    alias = f"amongus_own_{room}_{path.stem}"
    if alias in sys.modules and sys.modules[alias].__file__ == str(path):
        return sys.modules[alias]
    spec = importlib.util.spec_from_file_location(alias, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[alias] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def fact(room: str, name: str, constant: str, default: Any = None) -> Any:
    """A constant of the module `name` of `room`, read without importing it (imports can cost seconds).

    Raises:
        StudyError: the module assigns it something that is no literal.
    """
    path = _path(entry(room, name))
    value = _literals(path).get(constant, default)
    if value is _COMPUTED:
        raise StudyError(f"{path}: {constant} must be a literal; rules read it without running the module")
    return value


def _path(dotted: str) -> Path:
    return Path(dotted) if dotted.endswith(".py") else SCRIPTS.joinpath(*dotted.split(".")).with_suffix(".py")


@cache
def _literals(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target = node.target
        else:
            continue
        if isinstance(target, ast.Name) and target.id.isupper():
            try:
                found[target.id] = ast.literal_eval(node.value)
            except ValueError:
                found[target.id] = _COMPUTED
    return found


def _names(room: str) -> str:
    return ", ".join(available(room))


def _singular(room: str) -> str:
    return {"models": "model kind", "attackers": "attacker kind"}.get(room, room.removesuffix("s"))
