"""Whatever a member writes gets a score, and soon."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongus.study.plugins import module
from examples import examples, pairs

TABLE = examples("scoring/any_text")


@pytest.mark.parametrize("metric", TABLE)
@given(st.data())
def test_any_text_gets_a_score(metric, data):
    pieces = st.lists(st.sampled_from(TABLE[metric]["pieces"]), max_size=80).map("".join)
    score = module("scoring.metrics", metric).score(TABLE[metric]["item"], data.draw(st.text() | pieces))
    assert score in (0.0, 1.0)


@pytest.mark.parametrize(("metric", "unit"), pairs({name: TABLE[name]["floods"] for name in TABLE}), ids=repr)
def test_a_megabyte_takes_linear_time(metric, unit):
    begin = time.process_time()
    text = unit * (1_000_000 // len(unit))
    score = module("scoring.metrics", metric).score(TABLE[metric]["item"], text)
    assert score == 0.0 or (metric == "noncompliance" and score == 1.0)
    assert time.process_time() - begin < 8
