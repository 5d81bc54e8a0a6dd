"""Instructions that programs check: every kind follows and fails, and no text does anything else."""

import math
import random
import time

import nltk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongus import scoring
from amongus.scoring import Unscorable
from amongus.scoring.metrics import _verifiable, instructions
from examples import examples

TABLE = examples("scoring/instructions")


def item(*kinds):
    """A row with the given pairs of instruction and arguments."""
    names, arguments = zip(*kinds, strict=True)
    return {"prompt": "?", "instruction_id_list": list(names), "kwargs": list(arguments)}


KINDS = [(kind["instruction"], kind.get("arguments", {})) for kind in TABLE["kinds"]]
SCORABLE = [item(kind) for kind in KINDS]
NO_COMMA, QUOTATION = ("punctuation:no_comma", {}), ("startend:quotation", {})


def test_kinds_of_instructions():
    assert len({name for name, _ in KINDS}) >= 55
    for (name, arguments), kind in zip(KINDS, TABLE["kinds"], strict=True):
        # Rows hold nulls for other instructions' arguments.
        row = item((name, {**arguments, "unused": None}))
        scores = [instructions.score(row, text) for text in (kind["follows"], kind["fails"], "")]
        assert scores == [1.0, 0.0, 0.0], kind


def test_all_instructions_must_be_followed():
    row = item(NO_COMMA, QUOTATION)
    assert [instructions.score(row, text) for text in ('"Rain"', "Rain", '"Rain, sun"')] == [1.0, 0.0, 0.0]


def test_what_cannot_be_seen_follows_nothing_and_what_is_no_language_is_in_none():
    english = ("language:response_language", {"language": "en"})
    for kind, texts in (
        (NO_COMMA, ("", " \n", "\u200b\ufeff", "\x00\x07", "\ud800")),
        (english, ("12345", "!!!", "😀 😀")),
        (("change_case:english_capital", {}), ("12345", "!!!", "😀 😀")),
    ):
        assert {instructions.score(item(kind), text) for text in texts} == {0.0}


def test_a_language_is_told_the_same_way_each_time():
    mixed = "Das ist ein short text mit some English und etwas Deutsch in it"
    assert len({_verifiable.language(mixed) for _ in range(20)}) == 1


def test_a_faulty_row_is_nan_with_the_reason():
    for faulty in TABLE["faulty"]:
        score, why = scoring.explain("instructions", [{"prompt": "?", **faulty["row"]}], ["Rain and sun"])[0]
        assert math.isnan(score) and faulty["reason"] in why


def test_a_row_that_needs_absent_data_is_nan_whatever_the_text(monkeypatch):
    monkeypatch.setattr(nltk.data, "path", [])
    for kind, package in (
        (("ratio:stop_words", {"percentage": 10}), "stopwords"),
        (("words:start_verb", {}), "averaged_perceptron_tagger_eng"),
    ):
        for score, why in scoring.explain("instructions", [item(kind, NO_COMMA)] * 3, ["", "Rain, sun", "Rain"]):
            assert math.isnan(score) and f"nltk.downloader {package}" in why


def test_stop_words_are_counted_where_they_are_installed(monkeypatch, tmp_path):
    words = tmp_path / "corpora" / "stopwords" / "english"
    words.parent.mkdir(parents=True)
    words.write_text("the\nis\n")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    reader = nltk.corpus.reader.WordListCorpusReader(str(words.parent), ".*")
    monkeypatch.setattr(nltk.corpus, "stopwords", reader)
    row = item(("ratio:stop_words", {"percentage": 30}))
    assert [instructions.score(row, text) for text in ("the rain falls now", "the rain is")] == [1.0, 0.0]


def test_nothing_is_downloaded_and_no_random_state_moves(monkeypatch):
    monkeypatch.setattr(nltk, "download", lambda *_: pytest.fail("a download"))
    before = random.getstate()
    span = {"prompt_to_repeat": "Write a short poem about rain", "n_start": 0, "n_end": 2}
    for kind in (("repeat:repeat_span", span), QUOTATION):
        instructions.score(item(kind), "a")
    assert random.getstate() == before


PIECES = "rain|The| |\n|\n\n|.|?!|*|***|\"|'|[a]|<<|>>|(|]|1|-|雨|😀|P.S.|Question 1|Mr.|\t|\x00|\ud800|\u0301|ﬀ|,"
PIECES += "|<i>|</i>|{|```"
TEXTS = st.text() | st.lists(st.sampled_from(PIECES.split("|")), max_size=40).map("".join)


@settings(max_examples=60)
@given(TEXTS)
def test_any_text_follows_or_does_not(text):
    for row in SCORABLE:
        assert instructions.score(row, text) in (0.0, 1.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=150)
@given(st.sampled_from(TABLE["kinds"]), st.data())
def test_any_arguments_score_or_are_unscorable(kind, data):
    arguments = {key: data.draw(JSON) for key in kind.get("arguments", {})}
    try:
        assert instructions.score(item((kind["instruction"], arguments)), kind["follows"]) in (0.0, 1.0)
    except Unscorable as reason:
        assert str(reason)


@pytest.mark.parametrize("flood", ["[", "\n", "Mr. ", "<<a", "{", " ", "a b ", "\ud800\x00", "p."])
def test_a_megabyte_is_quick_and_so_is_the_longest_text(flood):
    noise = flood * (1_000_000 // len(flood))
    begin = time.process_time()
    assert {instructions.score(row, noise) for row in SCORABLE} == {0.0}
    assert time.process_time() - begin < 5
    row = item(*[kind for kind in KINDS if kind[0].startswith("detectable")])
    assert instructions.score(row, noise[: instructions.LONGEST]) == 0.0
    assert time.process_time() - begin < 12


def test_answers_as_long_as_any_prompt_asks_for_are_scored():
    text = "letters " * 1200
    row = item(("length_constraints:number_words", {"num_words": 1200, "relation": "at least"}))
    assert instructions.score(row, text) == 1.0
    assert instructions.score(row, text * 3) == 0.0
