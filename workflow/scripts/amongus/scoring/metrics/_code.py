"""Code in a member's text: which part of it is the answer, and the score of running it.

No text is parsed as Python here, because parsing alone can exhaust a process: variants are made by pattern, and the
sandbox takes the first that is valid Python.
"""

import re

from amongus import sandbox
from amongus.core.errors import StudyError

LONGEST = 200_000  # characters of code; all references are under 4,000
# Possessive: else a later backtick would make it try every split of the line.
_FENCE = re.compile(r"^[ \t]*+(```++|~~~++)[ \t]*+([^\s`]*+)[^\n`]*+$", re.MULTILINE)
_PYTHON = {"", "python", "python3", "py", "py3", "ipython", "sage", "code"}
_CODE_LINE = re.compile(r"^(?:from\s+\S+\s+import\b|import\s+\S|def\s|async\s+def\s|class\s|@\w)", re.MULTILINE)


def blocks(text: str) -> list[str]:
    """The fenced blocks of `text` that may be Python, in order; one that is never closed runs to the end."""
    found: list[str] = []
    fence, start, python = "", 0, False
    for mark in _FENCE.finditer(text):
        if not fence:
            fence, start, python = mark[1], mark.end() + 1, mark[2].lower() in _PYTHON
        elif mark[1].startswith(fence) and not mark[2]:
            if python:
                found.append(text[start : mark.start()])
            fence = ""
    if fence and python:
        found.append(text[start:])
    return [block for block in map(_unindented, found) if block.strip()]


def answer(text: str, wanted: re.Pattern[str]) -> str:
    """The code that answers: the last block that matches `wanted`, else the first block, else the text itself.

    The last, because a corrected answer follows the first attempt; blocks without the definition are mostly calls of
    it, or outputs.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = blocks(text)
    if not found:
        # Without the prose before the first line of code, where a match of `wanted` follows.
        start = _CODE_LINE.search(text)
        found = [text[start.start() :] if start and wanted.search(text, start.start()) else text]
    return next((block for block in reversed(found) if wanted.search(block)), found[0])[:LONGEST]


def _unindented(block: str) -> str:
    """`block` without the indentation that all lines share, as in a list; the body of a function keeps its own."""
    first = _first_line(block)
    margin = len(first) - len(first.lstrip())
    if not margin or not _CODE_LINE.match(first.lstrip()):
        return block
    return "\n".join(line[margin:] if not line[:margin].strip() else line for line in block.split("\n"))


def as_body(code: str) -> str:
    """`code` as the body of a function: indented, if its first line is not."""
    if _first_line(code).startswith((" ", "\t")):
        return code
    return "\n".join(f"    {line}" if line.strip() else line for line in code.split("\n"))


def _first_line(code: str) -> str:
    """The first line that is not blank."""
    return next((line for line in code.split("\n") if line.strip()), "")


def passed(result: sandbox.Result) -> float:
    """1.0 for a run that passed, else 0.0.

    Raises:
        StudyError: nothing was run.
    """
    if result.status == "refused":
        raise StudyError(result.reason)
    return float(result.status == "passed")
