"""The last box of a text against a reference."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from amongus.scoring.metrics import boxed
from examples import examples, pairs

TABLE = examples("scoring/boxed")


def test_examples():
    for reference, text in pairs(TABLE["right"]):
        assert boxed.score({"output": reference}, text) == 1.0, (reference, text)
    for reference, text in pairs(TABLE["wrong"]):
        assert boxed.score({"output": reference}, text) == 0.0, (reference, text)
    assert boxed.score({"answer": "7"}, r"\boxed{7}") == 1.0  # as the toy's rows have it


@given(st.integers(-(10**9), 10**9))
def test_integers_in_any_form_are_themselves_and_not_their_neighbours(number):
    for form in (f"{number}", f"{number:,}", f"{number}.00", f"${number:,}$", rf"\text{{{number}}}"):
        assert boxed.score({"output": str(number)}, rf"so \boxed{{{form}}}.") == 1.0
        assert boxed.score({"output": str(number + 1)}, rf"so \boxed{{{form}}}.") == 0.0


@given(st.decimals(-10_000, 10_000, places=3))
def test_decimals_are_read_exactly(number):
    assert boxed.parse_number(f"{number:f}") == Fraction(number)


@given(st.text())
def test_balanced_content_comes_back(text):
    content = "x" + text.replace("{", "").replace("}", "").replace("\\", "")
    assert boxed.last_box("a \\boxed{" + content + "} b") == content
