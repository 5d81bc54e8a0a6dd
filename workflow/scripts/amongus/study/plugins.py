"""Parts by name: a dataset, model, attacker, method, defence or metric is a module of its package, with no registry.

A name that ends in `.py` is a file of the study's own, outside the package.
"""

import ast
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from amongus.core.errors import StudyError
from amongus.study.code_digest import SCRIPTS
from amongus.study.settings import Source, Strict

_SINGULAR = {"defences": "defence", "scoring.metrics": "metric"}


@cache
def available(package: str) -> tuple[str, ...]:
    """The names of the modules of a package (`methods`, `scoring.metrics`), sorted; helpers are called `_name`."""
    folder = SCRIPTS.joinpath("amongus", *package.split("."))
    return tuple(sorted(path.stem for path in folder.glob("*.py") if not path.name.startswith("_")))


def entry(package: str, name: str) -> str:
    """What `code_digest` calls the module `name` of `package`.

    Raises:
        StudyError: there is no such module; the line lists the valid names.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            names = ", ".join(available(package))
            raise StudyError(f"no such file {name}; give the path of a Python file, or one of {names}")
        return name
    if name not in available(package):
        raise StudyError(f"no {_SINGULAR.get(package, 'kind')} '{name}'{alternative(name, available(package))}")
    return f"amongus.{package}.{name}"


def alternative(name: object, valid: Iterable[str]) -> str:
    """The end of a line about an unknown name: the one that may be meant, and all valid ones."""
    names = list(dict.fromkeys(valid))
    close = difflib.get_close_matches(str(name), names, 1)
    return (f", did you mean '{close[0]}'?" if close else ";") + f" valid: {', '.join(names)}"


def module(package: str, name: str) -> ModuleType:
    """Import the module `name` of `package`, or the Python file `name`.

    Raises:
        StudyError: there is no such module, or the file cannot be imported.
    """
    dotted = entry(package, name)
    if not dotted.endswith(".py"):
        return importlib.import_module(dotted)
    path = Path(dotted).resolve()
    alias = f"amongus_own_{package}_{path.stem}"
    if alias in sys.modules and sys.modules[alias].__file__ == str(path):
        return sys.modules[alias]
    spec = importlib.util.spec_from_file_location(alias, path)
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[alias] = loaded
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:
        del sys.modules[alias]
        if isinstance(error, StudyError):
            raise
        raise StudyError(f"{name}: cannot be imported ({type(error).__name__}: {error})") from error
    return loaded


def settings(package: str, name: str) -> type[Strict]:
    """The class `Settings` of a module, which says what its settings are.

    Raises:
        StudyError: there is no such module, or its `Settings` are of another kind.
    """
    found = getattr(module(package, name), "Settings", Source if package == "datasets" else Strict)
    if not (isinstance(found, type) and issubclass(found, Strict)):
        raise StudyError(f"{name}: Settings must be a class derived from amongus.study.settings.Strict")
    return found


def typed(package: str, name: str, plain: Mapping[str, Any]) -> Any:
    """The settings of a module out of their plain values, as rules hand them to scripts."""
    return settings(package, name).model_validate(dict(plain))


def fact(package: str, name: str, constant: str, default: Any = None) -> Any:
    """A constant of the module `name` of `package`, read without importing it (imports can cost seconds).

    Raises:
        StudyError: the module assigns it something that is not a literal.
    """
    value = _constants(package, name).get(constant)
    if value is None:
        return default
    try:
        return ast.literal_eval(value)
    except ValueError:
        where = name if name.endswith(".py") else f"{package}/{name}.py"
        raise StudyError(f"{where}: {constant} must be a literal; rules read it without running the module") from None


@cache
def _constants(package: str, name: str) -> dict[str, ast.expr]:
    """What a module assigns to names in capitals."""
    dotted = entry(package, name)
    path = Path(dotted) if dotted.endswith(".py") else SCRIPTS.joinpath(*dotted.split(".")).with_suffix(".py")
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[-1] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id.isupper():
                found[target.id] = node.value
    return found
