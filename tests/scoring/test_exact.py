"""Exact match: the answer and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongus.scoring import Unscorable
from amongus.scoring.metrics import exact


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("It is red.", 1.0),
        ("  It is\nred. ", 1.0),
        ("It is red", 0.0),
        ("it is red.", 0.0),
        ("", 0.0),
        ("It is red. It is blue.", 0.0),
    ],
)
def test_only_the_answer_counts(text, score):
    assert exact.score({"answer": "It is red."}, text) == score


@pytest.mark.parametrize("item", [{}, {"answer": None}, {"answer": " "}])
def test_without_a_reference_nothing_is_scored(item):
    with pytest.raises(Unscorable):
        exact.score(item, "It is red.")


@given(st.text())
def test_any_text_scores(text):
    assert exact.score({"answer": "It is red."}, text) in (0.0, 1.0)
