"""Tables in every format, with hostile names."""

import csv
import io
import re

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from amongus.report import render
from amongus.report.render import Column, View, csv_text, latex_text, markdown_text, plain
from examples import examples

HOSTILE = examples("report/names")
names = st.text(max_size=30) | st.sampled_from(HOSTILE)


def test_plain_spells_out_what_does_not_print():
    assert plain("a\x1b[31m\n\u202eé…") == "a\\x1b[31m\\x0a\\u202eé…"
    assert plain("\U000e0041") == "\\U000e0041"


def test_csv_formats_are_fixed():
    table = pd.DataFrame(
        {
            "name": ["a", "b,c"],
            "n": [3, 0],
            "score": [0.1 + 0.2, -0.0000001],
            "p_value": [0.0000012345678, float("nan")],
            "applicable": [True, False],
            "count": pd.array([7, None], dtype="Int64"),
        }
    )
    assert csv_text(table) == (
        'name,n,score,p_value,applicable,count\na,3,0.300000,1.23457e-06,true,7\n"b,c",0,0.000000,,false,\n'
    )


def test_csv_defuses_formulas_and_leaves_numbers():
    table = pd.DataFrame({"name": ["=1+1", "+a", "-a", "@a", " =a", "＝a", "a=1"], "drop": [-0.5] * 7})
    rows = list(csv.reader(io.StringIO(csv_text(table))))[1:]
    assert [row[0] for row in rows] == ["'=1+1", "'+a", "'-a", "'@a", "' =a", "'＝a", "a=1"]
    assert {row[1] for row in rows} == {"-0.500000"}


@given(st.lists(names, min_size=1, max_size=4))
def test_csv_keeps_its_shape(cells):
    text = csv_text(pd.DataFrame({"name": cells, "n": range(len(cells))}))
    rows = list(csv.reader(io.StringIO(text)))
    assert [len(row) for row in rows] == [2] * (len(cells) + 1)
    assert not any(row[0].lstrip().startswith(("=", "+", "-", "@")) for row in rows)
    assert text.count("\n") == len(cells) + 1


@given(names)
def test_markdown_keeps_its_shape(name):
    text = markdown_text(name)
    assert "\n" not in text and "\r" not in text
    assert not re.search(r"(?<!\\)(\\\\)*[|<>`*\[\]]", text)
    assert "://" not in text and "@" not in text


def test_markdown_by_hand():
    assert markdown_text("llm_router _it_ a|b") == r"llm_router \_it\_ a\|b"
    assert markdown_text("<b> & http://x www.x.y") == r"\<b\> &amp; http&#58;//x www&#46;x.y"


@given(names)
def test_latex_has_no_live_commands(name):
    text = latex_text(name)
    known = ["backslash", "asciicircum", "asciitilde", "less", "greater", "bar", "dagger"]
    for one in (*(f"\\text{name}{{}}" for name in known), "$-$", r"$\div$"):
        text = text.replace(one, "")
    text = re.sub(r"\\[{}$&#%_]", "", text)
    assert not set(text) & set("\\$&#%_^~")
    assert text.count("{") == text.count("}")
    assert all(ord(character) < 0x180 for character in text)


def test_latex_by_hand():
    assert latex_text(r"50% \in a_b") == r"50\% \textbackslash{}in a\_b"
    # Brackets and stars after a row's end would be read as its options; some letters have no glyph.
    assert latex_text("[2pt]*") == "{[}2pt{]}{*}"
    assert latex_text("é漢−") == "é{[}U+6F22{]}$-$"


def view():
    rows = pd.DataFrame({"name": ["a|b & c"], "figure": ["−1.5 [−2.0, <1]"]})
    columns = [Column("Name", lambda row: row["name"], name=True), Column("Drop, %", lambda row: row["figure"])]
    return View("Title", "Note.", columns, {"All": rows, "None": rows[:0]}, rows)


def test_markdown_table():
    assert render.markdown(view()) == (
        "# Title\n\nNote.\n\n## All\n\n"
        "| Name | Drop, % |\n| --- | ---: |\n| a\\|b &amp; c | −1.5 [−2.0, <1] |\n\n"
        "## None\n\nNo rows.\n"
    )


def test_latex_table():
    text = render.latex(view())
    assert text.count(r"\begin{longtable}{lr}") == text.count(r"\end{longtable}") == 2
    assert "Name & Drop, \\% \\\\\n\\midrule" in text
    assert "a\\textbar{}b \\& c & $-$1.5 {[}$-$2.0, \\textless{}1{]} \\\\\n" in text
