"""Tables as CSV, Markdown and LaTeX. Names come from configs and data: each format has its own escape."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LATEX = {
    **{character: f"\\{character}" for character in "{}$&#%_"},
    **{character: f"{{{character}}}" for character in "[]*-`'\""},
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "÷": r"$\div$",
    "−": "$-$",
    "–": "--",
    "†": r"\textdagger{}",
}


@dataclass(frozen=True)
class Column:
    """A column for readers: its heading and the text of its cell for a row.

    `name` marks cells with names, which may be any text and are escaped; others are formatted figures.
    """

    heading: str
    cell: Callable[[Mapping[str, Any]], str]
    name: bool = False


@dataclass(frozen=True)
class View:
    """A table (`table`: all of it) and how readers see it.

    A title, a note that explains the figures, columns, the rows of each section, and Markdown that follows.
    """

    title: str
    note: str
    columns: Sequence[Column]
    sections: Mapping[str, pd.DataFrame]
    table: pd.DataFrame
    after: str = ""


def plain(text: str) -> str:
    """`text` with everything that does not print (controls, direction marks) spelled out: \\u202e."""
    return "".join(_spelled(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def markdown_text(text: str) -> str:
    """`text` as the content of a Markdown table cell: no markup, no link, no HTML."""
    escaped = re.sub(r"([\\`*{}\[\]<>#|~!$])", r"\\\1", plain(text))
    # Underscores inside a word have no meaning in Markdown and are easier to read unescaped.
    escaped = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", escaped)
    escaped = escaped.replace("&", "&amp;").replace("@", "&#64;").replace("://", "&#58;//")
    return re.sub(r"(?i)\bwww\.", lambda found: f"{found[0][:-1]}&#46;", escaped)


def latex_text(text: str) -> str:
    """`text` as LaTeX text; characters that a plain LaTeX font may lack become their code points."""
    return "".join(_LATEX.get(c, c if c < "\u0180" else f"{{[}}U+{ord(c):04X}{{]}}") for c in plain(text))


def csv_text(table: pd.DataFrame) -> str:
    """`table` as CSV with fixed formats: six decimals (six digits in columns named p, as p_value or trainings_p).

    Cells without a figure are empty.

    A name that a spreadsheet would run as a formula is prefixed with an apostrophe; numbers are unchanged.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    columns = [[_csv_cell(value, str(name)) for value in table[name]] for name in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return buffer.getvalue()


def markdown(view: View) -> str:
    """The view as Markdown: a table per section."""
    parts = [f"# {view.title}", view.note]
    for heading, rows in view.sections.items():
        lines = [
            _markdown_row([column.heading for column in view.columns]),
            _markdown_row(["---" if column.name else "---:" for column in view.columns]),
            *(_markdown_row(cells) for cells in _cells(view, rows, markdown_text)),
        ]
        parts += [f"## {heading}", "\n".join(lines) if len(rows) else "No rows."]
    return "\n\n".join(parts) + "\n" + (f"\n{view.after}" if view.after else "")


def latex(view: View) -> str:
    """The view as LaTeX to be included in a document: a booktabs longtable per section."""
    lines = [r"% \usepackage{booktabs,longtable}"]
    shape = "".join("l" if column.name else "r" for column in view.columns)
    headings = " & ".join(latex_text(column.heading) for column in view.columns)
    for heading, rows in view.sections.items():
        caption = latex_text(f"{view.title}. {heading}. {view.note}")
        lines += [
            rf"\begin{{longtable}}{{{shape}}}",
            rf"\caption{{{caption}}} \\",
            *(r"\toprule", rf"{headings} \\", r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"),
            *(rf"{' & '.join(cells)} \\" for cells in _cells(view, rows, latex_text, everything=True)),
            r"\end{longtable}",
        ]
    return "\n".join(lines) + "\n"


def _cells(view: View, rows: pd.DataFrame, escape: Callable[[str], str], everything: bool = False) -> list[list[str]]:
    def text(column: Column, row: Mapping[str, Any]) -> str:
        return escape(column.cell(row)) if column.name or everything else column.cell(row)

    return [[text(column, row) for column in view.columns] for row in rows.to_dict("records")]


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _csv_cell(value: Any, column: str) -> str:
    if isinstance(value, str):
        text = plain(value)
        return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, float):
        # Adding 0 turns a rounded -0.0 into 0.0.
        return f"{value:.6g}" if re.search(r"(^|_)p(_|$)", column) else f"{round(value, 6) + 0.0:.6f}"
    return str(value).lower()


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
