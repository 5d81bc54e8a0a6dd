"""The chosen option of a multiple choice."""

from hypothesis import given
from hypothesis import strategies as st

from amongus.scoring.metrics import choice
from examples import examples, pairs

TABLE = examples("scoring/choice")
OPTIONS = TABLE["options"]
CITIES = OPTIONS["cities"]


def test_examples():
    for options, chosen in TABLE["chosen"].items():
        for letter, text in pairs(chosen):
            assert choice.chosen(OPTIONS[options], text) == {letter} - {"none"}, text


def test_score_compares_with_the_answer():
    assert choice.score({"choices": CITIES, "answer": "B"}, "B) Paris, Texas") == 1.0
    assert choice.score({"choices": CITIES, "answer": "A"}, "B) Paris, Texas") == 0.0


def test_equal_options_by_words_count_for_either():
    item = {"choices": {"A": "an increase", "B": "no change", "C": "an increase"}, "answer": "C"}
    assert choice.score(item, "an increase") == 1.0
    assert choice.score(item, "A") == 0.0


FORMS = ["{}", "({})", "**{}**", "{}.", "Answer: {}", "The answer is {}.", "[{}]", "\\boxed{{{}}}", "I choose {}"]


@given(st.sampled_from("ABCDEFGHIJKLM"), st.sampled_from(FORMS))
def test_every_letter_in_every_form(letter, form):
    assert choice.chosen(OPTIONS["thirteen"], form.format(letter)) == {letter}


@given(st.text(alphabet="ABab .,()*:\n\\{}is the answer not or", max_size=80))
def test_any_text_gives_at_most_one_letter(text):
    chosen = choice.chosen(CITIES, text)
    assert len(chosen) <= 1 and chosen <= set(CITIES)
