"""Whether code solves a data science problem (DS-1000), by running the item's own tests in a sandbox.

The answer is the last fenced block that sets the required variable, else the first block, else the text up to the
benchmark's own end marks. It is inserted into the item's context. Tests run outside the code's process (see
`amongus.sandbox`), except matplotlib's, which inspect the figure the code has drawn: they share its interpreter.

An item that needs a library which is not installed cannot be scored.
"""

import re
from collections.abc import Mapping
from typing import Any

from amongus import sandbox
from amongus.sandbox import Limits
from amongus.scoring import Unscorable, installed
from amongus.scoring.metrics import _code

EXECUTES = True
preflight = sandbox.preflight
LIBRARIES = {
    "numpy": "numpy",
    "pandas": "pandas",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "matplotlib": "matplotlib",
    "PIL": "pillow",
    "seaborn": "seaborn",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "xgboost": "xgboost",
    "gensim": "gensim",
    "statsmodels": "statsmodels",
    "yaml": "pyyaml",
}
"""What the benchmark's items import, and the names in pip."""

_END = re.compile(r"</code>|^[ \t]*(?:# SOLUTION END|### END SOLUTION|END SOLUTION)[ \t]*$", re.MULTILINE)
_ASKED = re.compile(r"^\s*([\w, ]+?) = \.\.\. ?# ?put", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+([\w.]+)", re.MULTILINE)
_BODY_OF = re.compile(r"^[ \t]*def[ \t]+(\w+)[^\n]*:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*\[insert\]", re.MULTILINE)


def score(item: Mapping[str, Any], text: str, limits: Mapping[str, Any] | None = None) -> float:
    """1.0 where the code in `text` passes the item's tests, else 0.0.

    Raises:
        Unscorable: the item has no tests, or needs a library that is not installed.
        StudyError: there is no working sandbox.
    """
    context = item.get("code_context")
    if not isinstance(context, str) or "def test_execution" not in context:
        raise Unscorable("the item has no tests")
    libraries = tuple(dict.fromkeys(_IMPORT.findall(context)))
    missing = {name for name in (library.split(".")[0] for library in libraries) if not installed(name)}
    if missing:
        raise Unscorable(f"not installed: {', '.join(sorted(missing))}")
    code = solution(item, text)
    if not code.strip():
        return 0.0
    bounds = Limits(**limits or {})
    if item["metadata"]["library"] == "Matplotlib":
        tests = [name for name in ("test_execution", "test_string") if f"def {name}" in context]
        program = "\n".join([context, *(f"{name}({code!r})" for name in tests)])
        return _code.passed(sandbox.run(program, bounds))
    return _code.passed(sandbox.execute(code, context, libraries, bounds))


def solution(item: Mapping[str, Any], text: str) -> str:
    """The code to insert into the item's context."""
    variables = _ASKED.search(item["prompt"])
    first = re.escape(variables[1].split(",")[0].strip()) if variables else "(?!)"
    code = _code.answer(text, re.compile(rf"^[ \t]*{first}\b[^=\n]*=(?!=)", re.MULTILINE))
    code = _END.split(code.replace("<code>", ""), maxsplit=1)[0].strip("\n")
    body_of = _BODY_OF.search(item["code_context"])
    if not body_of:
        return code
    whole = re.search(rf"^def {body_of[1]}\([^\n]*:[ \t]*\n((?:[ \t]+[^\n]*\n?|\n)+)", code, re.MULTILINE)
    if whole:
        return whole[1].rstrip()
    return _code.as_body(code)
