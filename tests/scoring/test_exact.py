"""Exact match: the answer and nothing else."""

import pytest

from amongus.scoring import Unscorable
from amongus.scoring.metrics import exact


def test_only_the_answer_counts():
    for text in ("It is red.", "  It is\nred. "):
        assert exact.score({"answer": "It is red."}, text) == 1.0
    for text in ("It is red", "it is red.", "", "It is red. It is blue."):
        assert exact.score({"answer": "It is red."}, text) == 0.0


def test_without_a_reference_nothing_is_scored():
    for item in ({}, {"answer": None}, {"answer": " "}):
        with pytest.raises(Unscorable):
            exact.score(item, "It is red.")
