"""Whether a function passes the item's tests (HumanEval, pass@1), run in a sandbox.

The answer is the last fenced block that defines the function, else the first block, else the whole text. Code without
the definition is taken as the body that completes the prompt. The prompt's own imports and helpers precede either. Tests
run outside the function's process (see `amongus.sandbox`): arguments and results cross by value, so that a function
cannot pass by changing its arguments or its interpreter.
"""

import re
from collections.abc import Mapping
from typing import Any

from amongus import sandbox
from amongus.sandbox import Limits
from amongus.scoring import Unscorable
from amongus.scoring.metrics import _code

EXECUTES = True
preflight = sandbox.preflight


def score(item: Mapping[str, Any], text: str, limits: Mapping[str, Any] | None = None) -> float:
    """1.0 where the function in `text` passes every test of the item, else 0.0.

    Raises:
        Unscorable: the item has no tests.
        StudyError: there is no working sandbox.
    """
    if any(not isinstance(item.get(field), str) for field in ("prompt", "entry_point", "test")):
        raise Unscorable("the item has no tests")
    sources = programs(item, text)
    if not sources:
        return 0.0
    bounds = Limits(**limits or {})
    return _code.passed(sandbox.call(sources, item["entry_point"], item["prompt"], item["test"], bounds))


def programs(item: Mapping[str, Any], text: str) -> list[str]:
    """Variants of the whole program, the likeliest first; none for a text without code."""
    defines = re.compile(rf"^[ \t]*(?:async\s+)?def\s+{re.escape(item['entry_point'])}\s*\(", re.MULTILINE)
    code = _code.answer(text, defines)
    if not code.strip():
        return []
    prompt = item["prompt"].rstrip("\n") + "\n"
    if defines.search(code):
        # Prose may follow the definition: the part before it is the second variant. The prompt's last function has a
        # docstring, but perhaps nothing else.
        return [f"{prompt}    pass\n\n{function}" for function in (code, _until_prose(code))]
    first = _code.as_body(code.lstrip("\n"))
    # Some tokenizers drop the first blank, and so the indentation of the first line only.
    again = "    " + code.lstrip()
    return [f"{prompt}{body}" for body in (first, again, _until_prose(again))]


def _until_prose(code: str) -> str:
    """`code` up to the first line at the margin that begins neither a statement nor a comment."""
    lines = code.split("\n")
    for number, line in enumerate(lines):
        if number and re.match(r"[A-Z*#`\-][\w*` ',]* [a-zA-Z]|\*\*|```", line) and " = " not in line:
            return "\n".join(lines[:number])
    return code
