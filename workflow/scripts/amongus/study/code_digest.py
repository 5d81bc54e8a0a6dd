"""Digests of code: what a rule's result depends on, seen through comments, docstrings, descriptions and layout.

Snakemake notices a changed script, not a changed module behind it, and an input file that is touched reruns
its whole chain. A digest of the syntax trees in `params` is exact: only a change that can change a result
changes it.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from amongus.core.errors import StudyError

SCRIPTS = Path(__file__).resolve().parents[2]
# How pinned bytes come here; what they are is checked whatever the way.
_CARRIERS = ("amongus.hub.download", "amongus.core.download")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def code_digest(*entries: str) -> str:
    """The digest (16 hex digits) of the modules that `entries` reach, as they were when they were first read.

    Entries are dotted modules (`amongus.methods.debate`), scripts beside the package (`respond`), or paths of Python files
    outside it. Modules that are imported by a computed name must be entries themselves. What only carries pinned files
    here, and whatever only that reaches, is left out.

    Raises:
        StudyError: there is no such module, or it cannot be read.
    """
    whole = hashlib.sha256()
    for path in sorted(reach(entries)):
        name = path.relative_to(SCRIPTS).as_posix() if path.is_relative_to(SCRIPTS) else path.name
        whole.update(f"{name}\0{_tree(path)[0]}\0".encode())
    return whole.hexdigest()[:16]


def reach(entries: Iterable[str]) -> set[Path]:
    """The files of the modules that `entries` import, directly or through others, and their own."""
    waiting: list[Path] = []
    for entry in entries:
        files = [Path(entry).resolve()] if entry.endswith(".py") else _files(entry)
        if not files:
            raise StudyError(f"{entry}: no such module under {SCRIPTS}")
        waiting.append(files[0])
    reached: set[Path] = set()
    carriers = {file for module in _CARRIERS for file in _files(module)[:1]}
    while waiting:
        path = waiting.pop()
        if path not in reached and path not in carriers:
            reached.add(path)
            waiting.extend(file for module in _tree(path)[1] for file in _files(module))
    return reached


def forget() -> None:
    """Read the modules anew from here on."""
    for cached in (code_digest, _tree, _files):
        cached.cache_clear()


@cache
def _tree(path: Path) -> tuple[str, tuple[str, ...]]:
    """The normalised syntax tree of a file, and the modules it may import (dotted names)."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, SyntaxError) as error:
        raise StudyError(f"{path}: not a readable Python file ({error})") from None
    imports: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
        imports += _imports(node)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(dict.fromkeys(imports))


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        # `from package import module` and `from module import name` look alike.
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _files(module: str) -> tuple[Path, ...]:
    """The file of a module under `SCRIPTS`, then the `__init__` files of its parents; none for other modules."""
    path = SCRIPTS.joinpath(*module.split("."))
    own = next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)
    if own is None:
        return ()
    return own, *(SCRIPTS / parent / "__init__.py" for parent in path.relative_to(SCRIPTS).parents[:-1])
