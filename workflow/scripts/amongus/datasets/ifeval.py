"""ifeval: prompts with 25 kinds of instructions a program can check (Zhou et al. 2023)."""

from collections.abc import Mapping
from typing import Any

from amongus.datasets import _formats

FIELDS = ("prompt", "instruction_id_list", "kwargs")
METRIC = "instructions"
DOMAIN = "instruction"

# IFEval's and IFBench's, written out: rows are checked before any model runs and without the library.
KNOWN = frozenset(
    f"{group}:{name}"
    for group, names in {
        "change_case": "capital_word_frequency english_capital english_lowercase",
        "combination": "repeat_prompt two_responses",
        "count": (
            "conjunctions keywords_multiple numbers person_names pronouns punctuation "
            "unique_word_count word_count_range words_japanese"
        ),
        "custom": (
            "character_reverse csv_city csv_quotes csv_special_character date_format_list "
            "european_capitals_sort mcq_count_length multiples reverse_newline sentence_alphabet "
            "word_reverse"
        ),
        "detectable_content": "number_placeholders postscript",
        "detectable_format": (
            "constrained_response json_format multiple_sections number_bullet_lists number_highlighted_sections title"
        ),
        "format": (
            "emoji line_indent list newline no_bullets_bullets no_whitespace options output_template "
            "parentheses quote_unquote quotes sub-bullets thesis title_case"
        ),
        "keywords": "existence forbidden_words frequency letter_frequency",
        "language": "response_language",
        "length_constraints": "nth_paragraph_first_word number_paragraphs number_sentences number_words",
        "punctuation": "no_comma",
        "ratio": "overlap sentence_balance sentence_type sentence_words stop_words",
        "repeat": "repeat_change repeat_simple repeat_span",
        "sentence": "alliteration_increment increment keyword",
        "startend": "end_checker quotation",
        "words": (
            "alphabet consonants keywords_specific_position last_first no_consecutive "
            "odd_even_syllables palindrome paragraph_last_first prime_lengths repeats start_verb "
            "vowel words_position"
        ),
    }.items()
    for name in names.split()
)


def prompt(item: Mapping[str, Any]) -> str:
    """The prompt unchanged: it states its instructions itself."""
    return item["prompt"].strip()


def check(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the row, or None."""
    return instructions_fault(item) or _formats.text_fault(item, "prompt")


def instructions_fault(item: Mapping[str, Any]) -> str | None:
    """Why the item's instructions cannot be checked, or None."""
    names, arguments = item.get("instruction_id_list"), item.get("kwargs")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return "field 'instruction_id_list' must be a list of at least one name"
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        return f"unknown instruction {', '.join(unknown)}"
    if not isinstance(arguments, list) or not all(isinstance(given, Mapping) for given in arguments):
        return "field 'kwargs' must be a list of objects"
    if len(arguments) != len(names):
        return f"{len(names)} instructions but {len(arguments)} kwargs"
    return None
