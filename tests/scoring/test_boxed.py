"""The last box of a text against a reference."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongus.scoring import Unscorable
from amongus.scoring.metrics import boxed

RIGHT = [
    ("1600", r"\boxed{1,600}"),
    ("1,600", r"\boxed{1600}"),
    ("1600", r"\boxed{1{,}600}"),
    ("1600", r"\boxed{1\,600}"),
    ("1600", r"\boxed{1 600}"),
    ("1600", r"\boxed{1.6 \times 10^3}"),
    ("72", r"\boxed{\$72}"),
    ("72", r"\boxed{$72$}"),
    ("72", r"\boxed{72.0}"),
    ("72", r"\boxed{72.}"),
    ("72", r"\boxed{+72}"),
    ("72", r"\boxed{72\%}"),
    ("-3", r"\boxed{-3}"),
    ("-3", "\\boxed{−3}"),
    ("-3", r"\boxed{- 3}"),
    ("-3", r"\boxed{-$3}"),
    ("-3", r"\boxed{-3^\circ\text{C}}"),
    ("0.5", r"\boxed{\frac{1}{2}}"),
    ("0.5", r"\boxed{\dfrac12}"),
    ("1/2", r"\boxed{.5}"),
    ("1.5", r"\boxed{1\frac{1}{2}}"),
    ("1.5", "\\boxed{1½}"),
    ("72", r"\boxed{72 dollars}"),
    ("72", r"\boxed{72\text{ dollars per day}}"),
    ("72", r"\boxed{72\ \text{cm}^2}"),
    ("72", r"\boxed{x = 72}"),
    ("72", r"\boxed{2 \times 36 = 72}"),
    ("72", r"\boxed{71}, no: \boxed{72}"),
    ("72", r"\boxed{72} goes into \boxed{}"),
    ("72", r"\box{72}"),
    ("72", r"\fbox{72}"),
    ("72", r"\boxed {72}"),
    ("72", r"\boxed{{72}}"),
    ("72", r"\boxed{\textbf{72}}"),
    ("72", "\\boxed{７２}"),
    ("72", r"\\boxed{72}"),
    ("72", r"\boxed{\boxed{72}}"),
    ("72", "\\boxed{72\n}"),
    ("72", r"{ \boxed{72}"),
    ("72", r"\boxed{72}} and a stray brace"),
    ("Yes", r"\boxed{yes}"),
    ("Yes", r"\boxed{\text{YES.}}"),
    ("Yes", r"\boxed{Yes, there is a path}"),
    ("No", r"\boxed{ No }"),
    ("3 + 4 = 7 #### 7", r"\boxed{7}"),
    (r"So \boxed{7}", r"\boxed{7}"),
]
WRONG = [
    ("72", ""),
    ("72", "The answer is 72"),
    ("72", r"\boxed{}"),
    ("72", r"\boxed{72"),
    ("72", r"\boxed{7.2}"),
    ("72", r"\boxed{-72}"),
    ("-3", r"\boxed{3}"),
    ("1600", r"\boxed{1,6,00}"),
    ("1600", r"\boxed{1.600}"),
    ("72", r"\boxed{72} then \boxed{71}"),
    ("72", r"\boxed{72 or 73}"),
    ("72", r"\boxed{72, 73}"),
    ("72", r"\boxed{72x}"),
    ("72", r"\boxed{72 thousand}"),
    ("72", r"\boxed{72!}"),
    ("72", "\\boxed{7²}"),
    ("72", r"\boxed{0.72}"),
    ("72", r"\boxed{72 + 1}"),
    ("72", r"\boxed{\{72\}}"),
    ("72", r"\boxed{a}{72}"),
    ("6", r"\boxed{\sqrt{36}}"),
    ("3", r"\boxed{1/0}"),
    ("3", r"\boxed{3:00}"),
    ("Yes", r"\boxed{No}"),
    ("Yes", r"\boxed{Yes or no}"),
    ("No", r"\boxed{Not}"),
]


@pytest.mark.parametrize(("reference", "text"), RIGHT)
def test_right_boxes(reference, text):
    assert boxed.score({"output": reference}, text) == 1.0


@pytest.mark.parametrize(("reference", "text"), WRONG)
def test_wrong_boxes(reference, text):
    assert boxed.score({"output": reference}, text) == 0.0


def test_toy_reference_is_in_answer():
    assert boxed.score({"answer": "7"}, r"\boxed{7}") == 1.0


def test_no_reference_is_unscorable():
    with pytest.raises(Unscorable, match="reference"):
        boxed.score({"output": " "}, r"\boxed{7}")


@given(st.integers(-(10**9), 10**9))
def test_integers_in_any_dress_are_themselves_and_not_their_neighbours(number):
    for dress in (f"{number}", f"{number:,}", f"{number}.00", f"${number:,}$", rf"\text{{{number}}}"):
        assert boxed.score({"output": str(number)}, rf"so \boxed{{{dress}}}.") == 1.0
        assert boxed.score({"output": str(number + 1)}, rf"so \boxed{{{dress}}}.") == 0.0


@given(st.decimals(-10_000, 10_000, places=3))
def test_decimals_are_read_exactly(number):
    assert boxed.parse_number(f"{number:f}") == Fraction(number)


@given(st.text(alphabet="\\boxed{}7 -,.$%/^frac\u2212²", max_size=80))
def test_any_text_gets_a_score(text):
    assert boxed.score({"output": "7"}, text) in (0.0, 1.0)


@given(st.text())
def test_balanced_content_comes_back(text):
    content = "x" + text.replace("{", "").replace("}", "").replace("\\", "")
    assert boxed.last_box("a \\boxed{" + content + "} b") == content


@pytest.mark.parametrize("flood", ["\\boxed{", "{", "}", "\\", "\\boxed{}", "7,", "\u0300\u0316"])
def test_a_megabyte_takes_linear_time(flood):
    begin = time.process_time()
    assert boxed.score({"output": "7"}, flood * (1_000_000 // len(flood))) == 0.0
    assert time.process_time() - begin < 8
