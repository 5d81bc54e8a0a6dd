"""Instructions that programs check: every kind follows and fails, and no text does anything else."""

import math
import random
import time

import nltk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongus import scoring
from amongus.datasets import ifeval
from amongus.scoring import Unscorable
from amongus.scoring.metrics import _verifiable, instructions

GERMAN = "Das Wetter ist heute sehr schön, und wir gehen gleich in den Garten."
ENGLISH = "the weather is lovely today and we are going to walk into the garden"
REQUEST = "Write a short poem about rain"
LEVELS = "(a [b {c (d [e] d) c} b] a)"
QUIZ = "\n".join(
    f"Question {n}\nWho painted it{' and when' * n}?\n" + "\n".join(f"{letter}) x" for letter in "ABCDE")
    for n in range(1, 5)
)
# instruction, its arguments, a text that follows it, one that does not
KINDS = [
    ("keywords:existence", {"keywords": ["rain", "sun"]}, "Sun after RAIN", "only rain"),
    ("keywords:frequency", {"keyword": "rain", "frequency": 2, "relation": "at least"}, "rain rain", "rain"),
    ("keywords:forbidden_words", {"forbidden_words": ["rain"]}, "rainbows", "the Rain."),
    (
        "keywords:letter_frequency",
        {"letter": "q", "let_frequency": 2, "let_relation": "at least"},
        "Quick quiz",
        "quick",
    ),
    (
        "keywords:letter_frequency",
        {"letter": "!", "let_frequency": 2, "let_relation": "at least"},
        "Ho! Ho!",
        "oh oh oh!",
    ),
    ("language:response_language", {"language": "de"}, GERMAN, ENGLISH),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": "at least"},
        "It rains. I stay.",
        "It rains",
    ),
    (
        "length_constraints:number_words",
        {"num_words": 3, "relation": "less than"},
        "two words",
        "now three words",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "one\n***\ntwo", "one\n\ntwo"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "rain"},
        "Sun.\n\nRain.",
        "Rain.\n\nSun.",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name], [day]", "[name]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\nP.S. Rain.", "Bye."),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n* b", "* a\n* b\n* c"),
    ("detectable_format:constrained_response", {}, "My answer is yes.", "Yes."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and *b*", "*a* and b"),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "PART", "num_sections": 2},
        "PART 1 a PART 2 b",
        "PART 1 a",
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ("detectable_format:title", {}, "<<Rain>>\nIt rains.", "<Rain>"),
    ("combination:two_responses", {}, "one\n******\ntwo", "one\n***\ntwo"),
    ("combination:repeat_prompt", {"prompt_to_repeat": REQUEST}, f"{REQUEST}\nDrip.", "Drip."),
    ("startend:end_checker", {"end_phrase": "The end."}, "Rain. The end.", "The end. Rain."),
    ("startend:quotation", {}, '"It rains."', '"It" rains'),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "at least"},
        "A B c",
        "A b c",
    ),
    ("change_case:english_capital", {}, ENGLISH.upper(), ENGLISH),
    ("change_case:english_lowercase", {}, ENGLISH, ENGLISH.title()),
    ("punctuation:no_comma", {}, "Rain and sun", "Rain, sun"),
    ("count:word_count_range", {"min_words": 2, "max_words": 3}, "two words", "one"),
    ("count:unique_word_count", {"N": 3.0}, "Rain, sun, wind", "rain rain sun"),
    ("count:conjunctions", {"small_n": 2.0}, "Rain and sun, but no snow", "rain and sun and snow"),
    ("count:person_names", {"N": 2}, "Emma met Liam", "Emma met Emma"),
    ("count:numbers", {"N": 2}, "3 of 5", "3 of five"),
    ("count:punctuation", {}, "What?! Well: yes, no; all. Right! Sure?", "What?"),
    ("count:pronouns", {"N": 2}, "He saw her", "He saw Emma"),
    (
        "count:keywords_multiple",
        dict(zip(("keyword1", "keyword2", "keyword3", "keyword4", "keyword5"), "vwxyz", strict=True)),
        "v ww xxx yyyyy zzzzzzz",
        "v w xxx yyyyy zzzzzzz",
    ),
    ("count:words_japanese", {"N": 2}, "rain 雨", "rain sun"),
    ("ratio:sentence_type", {}, "It rains. I stay. You?", "It rains. You?"),
    ("ratio:sentence_balance", {}, "It rains. You? Ha!", "It rains. You?"),
    ("ratio:overlap", {"reference_text": "rain today", "percentage": 100}, "rain today", "sun tomorrow"),
    ("words:alphabet", {}, "a big cat", "a cat"),
    ("words:vowel", {}, "a big dog", "a big dog eats"),
    ("words:palindrome", {}, "level " * 10, "level"),
    ("words:prime_lengths", {}, "it was", "it rained now"),
    ("words:repeats", {"small_n": 1}, "rain sun", "rain rain"),
    ("words:no_consecutive", {}, "rain sun", "rain runs"),
    ("words:last_first", {}, "I see rain. Rain falls.", "I see rain. Sun shines."),
    ("words:odd_even_syllables", {}, "rain water rain", "rain rain"),
    ("words:words_position", {"keyword": "rain"}, "the rain is rain indeed", "the rain is wet"),
    (
        "words:keywords_specific_position",
        {"keyword": "rain", "n": 2.0, "m": 3.0},
        "Hello. I like rain.",
        "I like rain.",
    ),
    ("sentence:keyword", {"word": "rain", "N": 2.0}, "Hello. It is rain.", "Rain. Hello."),
    ("sentence:increment", {"small_n": 1}, "Rain. It rains.", "It rains. Rain."),
    ("format:parentheses", {}, LEVELS, "(a (b))"),
    ("format:options", {"options": "yes/no/maybe"}, "Maybe.", "Perhaps"),
    ("format:newline", {}, "rain\nsun", "rain sun"),
    ("format:no_whitespace", {}, "rain", "rain sun"),
    ("format:title_case", {}, "Rain And Sun", "Rain and sun"),
    ("format:output_template", {}, "My Answer: a My Conclusion: b Future Outlook: c", "My Answer: a"),
    ("format:list", {"sep": "..."}, "... a\n... b", "- a\n- b"),
    ("repeat:repeat_simple", {}, "Only output this sentence here, ignore all other requests.", "Hi"),
    ("repeat:repeat_change", {"prompt_to_repeat": REQUEST}, "Sing a short poem about rain", REQUEST),
    (
        "repeat:repeat_span",
        {"prompt_to_repeat": REQUEST, "n_start": 0.0, "n_end": 2.0},
        "write a",
        "short poem",
    ),
    ("custom:multiples", {}, "14, 21, 28, 35, 42, 49", "7, 14, 21"),
    ("custom:mcq_count_length", {}, QUIZ, "Question 1\nWho?"),
    ("custom:date_format_list", {}, "1805-12-02, 1815-06-18", "2 December 1805"),
]
NEED_DATA = ("ratio:stop_words", "words:start_verb")


def item(*kinds):
    """A row with the given pairs of instruction and arguments."""
    return {
        "prompt": "?",
        "instruction_id_list": [name for name, _ in kinds],
        "kwargs": [arguments for _, arguments in kinds],
    }


@pytest.mark.parametrize(("name", "arguments", "follows", "fails"), KINDS)
def test_kinds_of_instructions(name, arguments, follows, fails):
    # Rows hold nulls for other instructions' arguments.
    row = item((name, {**arguments, "unused": None}))
    assert instructions.score(row, follows) == 1.0
    assert instructions.score(row, fails) == 0.0
    assert instructions.score(row, "") == 0.0


def test_all_instructions_must_be_followed():
    row = item(("punctuation:no_comma", {}), ("startend:quotation", {}))
    assert [instructions.score(row, text) for text in ('"Rain"', "Rain", '"Rain, sun"')] == [1.0, 0.0, 0.0]


def test_the_instructions_of_rows_are_the_librarys():
    assert set(_verifiable.CHECKERS) == ifeval.KNOWN
    assert not set(_verifiable.IFEVAL) & set(_verifiable.IFBENCH)
    assert len({kind[0] for kind in KINDS}) >= 55


@pytest.mark.parametrize("text", ["", " \n", "\u200b\ufeff", "\x00\x07", "\ud800"])
def test_what_cannot_be_seen_follows_nothing(text):
    assert instructions.score(item(("punctuation:no_comma", {})), text) == 0.0


@pytest.mark.parametrize("text", ["12345", "!!!", "😀 😀"])
def test_a_text_of_no_language_is_in_no_language(text):
    for row in (
        item(("language:response_language", {"language": "en"})),
        item(("change_case:english_capital", {})),
    ):
        assert instructions.score(row, text) == 0.0


def test_a_language_is_told_the_same_way_each_time():
    mixed = "Das ist ein short text mit some English und etwas Deutsch in it"
    assert len({_verifiable.language(mixed) for _ in range(20)}) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (item(("keywords:existense", {"keywords": ["x"]})), "unknown instruction keywords:existense"),
        (item(("punctuation:no_comma", {}), ("made:up", {})), "unknown instruction made:up"),
        (
            {"prompt": "?", "instruction_id_list": ["punctuation:no_comma"], "kwargs": []},
            "1 instructions but 0",
        ),
        ({"prompt": "?"}, "must be a list"),
        (item(("punctuation:no_comma", None)), "list of objects"),
        (item(("keywords:existence", {})), "keywords:existence: its kwargs lack keywords"),
        (item(("punctuation:no_comma", {"x": 1})), "punctuation:no_comma: its kwargs do not fit"),
        (item(("keywords:frequency", {"keyword": "a", "frequency": 1, "relation": "about"})), "do not fit"),
        (item(("keywords:existence", {"keywords": ["aa", "("]})), "existence: its kwargs do not fit"),
        (
            item(
                (
                    "keywords:letter_frequency",
                    {"letter": "ab", "let_frequency": 1, "let_relation": "at least"},
                )
            ),
            "would draw others",
        ),
    ],
)
def test_a_faulty_row_is_nan_with_the_reason(row, reason):
    score, why = scoring.explain("instructions", [row], ["Rain and sun"])[0]
    assert math.isnan(score) and reason in why


def test_a_row_that_needs_absent_data_is_nan_whatever_the_text(monkeypatch):
    monkeypatch.setattr(nltk.data, "path", [])
    for name, package in zip(NEED_DATA, ("stopwords", "averaged_perceptron_tagger_eng"), strict=True):
        row = item((name, {"percentage": 10} if "stop" in name else {}), ("punctuation:no_comma", {}))
        for score, why in scoring.explain("instructions", [row] * 3, ["", "Rain, sun", "Rain"]):
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
    instructions.score(
        item(("repeat:repeat_span", {"prompt_to_repeat": REQUEST, "n_start": 0, "n_end": 2})), "a"
    )
    instructions.score(item(("startend:quotation", {})), "a")
    assert random.getstate() == before


SCORABLE = [item((name, arguments)) for name, arguments, _, _ in KINDS]
PIECES = st.sampled_from(
    [
        "rain",
        "The",
        " ",
        "\n",
        "\n\n",
        ".",
        "?!",
        "*",
        "***",
        '"',
        "'",
        "[a]",
        "<<",
        ">>",
        "(",
        "]",
        "1",
        "-",
        "雨",
        "😀",
    ]
    + ["P.S.", "Question 1", "Mr.", "\t", "\x00", "\ud800", "\u0301", "ﬀ", ",", "<i>", "</i>", "{", "```"]
)


@settings(max_examples=60)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
def test_any_text_follows_or_does_not(text):
    for row in SCORABLE:
        assert instructions.score(row, text) in (0.0, 1.0)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=150)
@given(st.sampled_from(KINDS), st.data())
def test_any_arguments_score_or_are_unscorable(kind, data):
    arguments = {key: data.draw(JSON) for key in kind[1]}
    try:
        assert instructions.score(item((kind[0], arguments)), kind[2]) in (0.0, 1.0)
    except Unscorable as reason:
        assert str(reason)


@pytest.mark.parametrize("flood", ["[", "\n", "Mr. ", "<<a", "{", " ", "a b ", "\ud800\x00", "p."])
def test_a_megabyte_is_quick_and_so_is_the_longest_text(flood):
    noise = flood * (1_000_000 // len(flood))
    begin = time.process_time()
    assert {instructions.score(row, noise) for row in SCORABLE} == {0.0}
    assert time.process_time() - begin < 5
    row = item(*[(name, arguments) for name, arguments, _, _ in KINDS if name.startswith("detectable")])
    begin = time.process_time()
    assert instructions.score(row, noise[: instructions.LONGEST]) == 0.0
    assert time.process_time() - begin < 8


def test_answers_as_long_as_any_prompt_asks_for_are_scored():
    text = "letters " * 1200
    row = item(("length_constraints:number_words", {"num_words": 1200, "relation": "at least"}))
    assert instructions.score(row, text) == 1.0
    assert instructions.score(row, text * 3) == 0.0
