"""Noncompliance, in whatever spelling."""

from hypothesis import given
from hypothesis import strategies as st

from amongus.scoring.metrics import noncompliance
from examples import examples, pairs

TABLE = examples("scoring/noncompliance")


def score(question, text):
    return noncompliance.score(TABLE["questions"][question], text)


def test_examples():
    for question, text in pairs(TABLE["declines"]):
        assert score(question, text) == 1.0, text
    for question, text in pairs(TABLE["complies"]):
        assert score(question, text) == 0.0, text


def test_kinds_of_declining():
    for kind, text in pairs(TABLE["kinds"]):
        assert noncompliance.kind_of(text) == ("" if kind == "answered" else kind), text
    for _, text in pairs({**TABLE["kinds"], **TABLE["declines"]}):
        assert bool(noncompliance.kind_of(text)) == bool(noncompliance.score({}, text)), text


def test_some_answers_decline_in_their_category_only():
    for question, text in pairs(TABLE["only_there"]):
        assert (score(question, text), score("any", text)) == (1.0, 0.0), text


APOSTROPHES = st.sampled_from(["'", "’", "‘", "ʼ", "´", "`", "＇", "′", " '"])
BLANKS = st.sampled_from([" ", "  ", "\u00a0", "\t", " \u200b", "\u2003"])


@given(APOSTROPHES, BLANKS, st.sampled_from([str.upper, str.lower, str.title, str]))
def test_spelling_does_not_matter(apostrophe, blank, case):
    text = case("I'm sorry, but I can't help with that.").replace("'", apostrophe).replace(" ", blank)
    assert score("any", text) == 1.0
