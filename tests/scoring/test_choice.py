"""The chosen option of a multiple choice."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongus.scoring import Unscorable
from amongus.scoring.metrics import choice

CITIES = {"A": "Paris", "B": "Paris, Texas", "C": "London", "D": "Not London at all"}
ADJECTIVES = {"A": "proactive", "B": "reactive", "C": "manipulative", "D": "hyper reactive person"}
WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
THIRTEEN = {letter: f"Option text number {word}" for letter, word in zip("ABCDEFGHIJKLM", WORDS, strict=True)}
YES_NO = {"A": "Yes.", "B": "No."}
FATHER = {"A": "Luke, I am your father.", "B": "No. I am your father."}
NUMBERS = {"A": "1", "B": "10", "C": "-10", "D": "1.0"}
FORMULAS = {"A": "(P & Q) -> R", "B": "P & (Q -> R)", "C": "I only", "D": "I and II only"}
CASES = [
    (CITIES, "A", "A"),
    (CITIES, "(A)", "A"),
    (CITIES, "**B**", "B"),
    (CITIES, "Answer: B", "B"),
    (CITIES, "The answer is B.", "B"),
    (CITIES, "B\nbecause Texas", "B"),
    (CITIES, "B) Paris, Texas", "B"),
    (CITIES, "Paris, Texas", "B"),
    (CITIES, "Paris", "A"),
    (CITIES, "paris.", "A"),
    (CITIES, "It is Paris, Texas.", "B"),
    (CITIES, "A careful reading shows nothing", ""),
    (CITIES, "A careful reading of the question shows that the answer is C.", "C"),
    (CITIES, "b", "B"),
    (CITIES, "b)", "B"),
    (CITIES, "(b)", "B"),
    (CITIES, "answer: b", "B"),
    (CITIES, "The answer is b.", "B"),
    (CITIES, "the answer is a bit complicated", ""),
    (CITIES, "The answer is A careful choice", ""),
    (CITIES, "A is wrong, B is wrong. The answer is C.", "C"),
    (CITIES, "Option A is tempting, but B is correct.", "B"),
    (CITIES, "The answer is A. The answer is B.", ""),
    (CITIES, "Answer: A\nAnswer: B", ""),
    (CITIES, "A\nB", ""),
    (CITIES, "A and B", ""),
    (CITIES, "A or B", ""),
    (CITIES, "Answer: A or B", ""),
    (CITIES, "The answer is A. Wait, actually the answer is B.", "B"),
    (CITIES, "At first I thought the answer is A. So the final answer is B.", "B"),
    (CITIES, "The answer is not A", ""),
    (CITIES, "The answer isn't A, it's B.", "B"),
    (THIRTEEN, "M", "M"),
    (THIRTEEN, "The answer is (K).", "K"),
    (THIRTEEN, "I", "I"),
    (THIRTEEN, "I think the answer is H", "H"),
    (THIRTEEN, "I would choose I.", "I"),
    (THIRTEEN, "J. Option text number nine", "J"),
    (THIRTEEN, "Option text number ten", "K"),
    (CITIES, "E", ""),
    (CITIES, "The answer is E.", ""),
    (CITIES, "", ""),
    (CITIES, "   ", ""),
    (CITIES, "\\boxed{C}", "C"),
    (CITIES, "$\\boxed{\\text{C}}$", "C"),
    (CITIES, "The correct option is **D**", "D"),
    (CITIES, "**Answer:** D", "D"),
    (CITIES, "**Answer: D**", "D"),
    (CITIES, "Correct answer: (D) Not London at all", "D"),
    (CITIES, "A) Paris\nB) Paris, Texas\nC) London\nD) Not London at all\n\nThe answer is C", "C"),
    (CITIES, "A) Paris\nB) Paris, Texas\nC) London\nD) Not London at all", ""),
    (CITIES, "B) Paris, Texas\n\nA) is wrong because it is in France.\nC) is wrong.", "B"),
    (CITIES, "I would go with option B", "B"),
    (CITIES, "Definitely B!", "B"),
    (CITIES, "So, B.", "B"),
    (CITIES, "B and C are incorrect, so D.", "D"),
    (CITIES, "C: London", "C"),
    (CITIES, "C - London", "C"),
    (CITIES, "C. London is the capital", "C"),
    (CITIES, "C) Paris", ""),
    (CITIES, "Ｃ", "C"),
    (CITIES, "\u200bC\u200b", "C"),
    (CITIES, "c. London", "C"),
    (CITIES, "London", "C"),
    (CITIES, "The capital is London, of course.", "C"),
    (CITIES, "Not London at all", "D"),
    (CITIES, 'I say: "not london at all"', "D"),
    (CITIES, "It is either Paris or London", ""),
    (YES_NO, "Yes", "A"),
    (YES_NO, "No.", "B"),
    (YES_NO, "No, this is harmless.", "B"),
    (YES_NO, "Yes, it contains offensive content. There is no doubt.", "A"),
    (YES_NO, "I have no idea what to say", ""),
    (YES_NO, "Yes and no", ""),
    (FATHER, "No. I am your father.", "B"),
    (FATHER, 'He says "No. I am your father."', "B"),
    (FATHER, "Luke, I am your father", "A"),
    (NUMBERS, "10", "B"),
    (NUMBERS, "-10", "C"),
    (NUMBERS, "1", "A"),
    (NUMBERS, "1.0", "D"),
    (NUMBERS, "A", "A"),
    (NUMBERS, "The answer is 10", "B"),
    (NUMBERS, "The answer is B) 10", "B"),
    (ADJECTIVES, "reactive", "B"),
    (ADJECTIVES, "A hyper reactive person", "D"),
    (ADJECTIVES, "Answer: A. proactive", "A"),
    (CITIES, "Answer: A", "A"),
    (CITIES, "The answer is A", "A"),
    (CITIES, "The answer is A because Paris is in France.", "A"),
    (CITIES, "A. Paris", "A"),
    (CITIES, "A, because it is", "A"),
    (CITIES, "Vitamin C is healthy", ""),
    (CITIES, "I take vitamin C.", ""),
    (CITIES, "The best answer is option C, London.", "C"),
    (CITIES, "The answer to this question is C", "C"),
    (CITIES, "Choice: d", "D"),
    (CITIES, "The answer is: C", "C"),
    (CITIES, "The answer is\n\nC", "C"),
    (CITIES, "Let me think. London is big.\n\nC", "C"),
    (CITIES, "Let me think.\n\n**C**\n\nI hope that helps.", "C"),
    (CITIES, "The correct answer is (C) London. Option (A) is not right since Paris is in France.", "C"),
    (CITIES, "Option (A) is wrong. Option (B) is wrong.", ""),
    (CITIES, "I choose C", "C"),
    (CITIES, "My choice is C!", "C"),
    (CITIES, "C is the correct answer.", "C"),
    (CITIES, "C is not correct.", ""),
    (CITIES, "Answer: C, not A", "C"),
    (CITIES, "Not A. B.", "B"),
    (CITIES, "The answer is B, not C. B is correct.", "B"),
    (CITIES, "Answer - C", "C"),
    (CITIES, "ANSWER: C", "C"),
    (CITIES, "Answer C", "C"),
    (CITIES, "final answer = C", "C"),
    (CITIES, "<answer>C</answer>", "C"),
    (CITIES, "The answer is <b>C</b>", "C"),
    (CITIES, '"C"', "C"),
    (CITIES, "A's the one", ""),
    (CITIES, "B. The answer is C.", ""),
    (CITIES, "B\n\nThe answer is C.", ""),
    (CITIES, "Both A and C are right.", ""),
    (CITIES, "A, B and C are all wrong", ""),
    (CITIES, "Between A and B, I pick B.", "B"),
    (
        CITIES,
        "If the question was about France, the answer would be A. But it is about England, so the answer "
        "is C.",
        "C",
    ),
    (CITIES, "Some might say the answer is A, but the answer is C.", "C"),
    (CITIES, "The answer is C.\n\nThe answer is not A since it is in France. B is incorrect.", "C"),
    (CITIES, "I can't decide between A and B", ""),
    (CITIES, "None of the above", ""),
    (CITIES, "The correct answer is:\n\n**C) London**", "C"),
    (CITIES, "### Answer\n\nC", "C"),
    (CITIES, "A: wrong\nB: wrong\nC: right\nD: wrong", ""),
    (FORMULAS, "P & (Q -> R)", "B"),
    (FORMULAS, "The answer is (P & Q) -> R", "A"),
    (FORMULAS, "The answer is I only", "C"),
    (FORMULAS, "The answer is I and II only.", "D"),
    ({"A": "same", "B": "same"}, "B", "B"),
]


@pytest.mark.parametrize(("choices", "text", "letter"), CASES)
def test_chosen(choices, text, letter):
    assert choice.chosen(choices, text) == ({letter} if letter else set())


def test_score_compares_with_the_answer():
    assert choice.score({"choices": CITIES, "answer": "B"}, "B) Paris, Texas") == 1.0
    assert choice.score({"choices": CITIES, "answer": "A"}, "B) Paris, Texas") == 0.0


def test_equal_options_by_words_count_for_either():
    item = {"choices": {"A": "an increase", "B": "no change", "C": "an increase"}, "answer": "C"}
    assert choice.score(item, "an increase") == 1.0
    assert choice.score(item, "A") == 0.0


def test_an_answer_that_is_no_option_is_unscorable():
    with pytest.raises(Unscorable, match="choices"):
        choice.score({"choices": CITIES, "answer": "Z"}, "A")


@given(
    st.sampled_from("ABCDEFGHIJKLM"),
    st.sampled_from(
        [
            "{}",
            "({})",
            "**{}**",
            "{}.",
            "Answer: {}",
            "The answer is {}.",
            "[{}]",
            "\\boxed{{{}}}",
            "I choose {}",
        ]
    ),
)
def test_every_letter_in_every_dress(letter, dress):
    assert choice.chosen(THIRTEEN, dress.format(letter)) == {letter}


@given(st.text(alphabet="ABab .,()*:\n\\{}is the answer not or", max_size=80))
def test_any_text_gives_at_most_one_letter(text):
    chosen = choice.chosen(CITIES, text)
    assert len(chosen) <= 1 and chosen <= set(CITIES)


@given(st.text())
def test_any_unicode_gets_a_score(text):
    assert choice.score({"choices": YES_NO, "answer": "A"}, text) in (0.0, 1.0)


@pytest.mark.parametrize(
    "flood",
    ["A\n", "the answer is ", "\\boxed{", " ", "London ", "_", "*", "\ufdfa", "\u0300\u0316", "option a "],
)
def test_a_megabyte_takes_linear_time(flood):
    begin = time.process_time()
    assert choice.score({"choices": CITIES, "answer": "D"}, flood * (1_000_000 // len(flood))) == 0.0
    assert time.process_time() - begin < 8
