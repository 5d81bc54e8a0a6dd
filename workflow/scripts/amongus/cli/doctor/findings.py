"""What a check found, and how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from amongus.core.errors import StudyError

OK, NOTE, MISSING = "ok", "note", "missing"


@dataclass(frozen=True)
class Finding:
    """One line of the report: `ok`, `note` (it may do) or `missing` (something will not run), and the mend."""

    state: str
    what: str
    mend: str = ""


def ok(what: str) -> Finding:
    """All is there."""
    return Finding(OK, what)


def note(what: str, mend: str) -> Finding:
    """It may do as it is."""
    return Finding(NOTE, what, mend)


def missing(what: str, mend: str) -> Finding:
    """Something will not run, or not be scored, until it is mended."""
    return Finding(MISSING, what, mend)


def report(findings: Sequence[Finding]) -> str:
    """A line each, what is missing last, where the eye falls; the very last line counts."""
    order = (OK, NOTE, MISSING)
    lines = [_line(one) for one in sorted(findings, key=lambda one: order.index(one.state))]
    counts = [sum(one.state == state for one in findings) for state in (MISSING, NOTE, OK)]
    return "\n".join([*lines, "{} missing, {} to note, {} in order".format(*counts)])


def _line(one: Finding) -> str:
    text = f"{one.what}; {one.mend}" if one.mend else one.what
    # Addresses and answers of servers are shown as a StudyError shows them: one line, nothing that moves the cursor.
    return f"{one.state:<8} {StudyError(text)}"
