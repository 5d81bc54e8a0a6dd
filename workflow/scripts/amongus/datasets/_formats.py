"""The two formats of rows that datasets share: a question with a short answer, and a multiple choice."""

import string
from collections.abc import Mapping
from typing import Any


def text_fault(item: Mapping[str, Any], *fields: str) -> str | None:
    """Why one of `fields` is not a usable text, or None."""
    for field in fields:
        if not isinstance(item[field], str):
            return f"field '{field}' must be a string, got {type(item[field]).__name__}"
        if not item[field].strip():
            return f"field '{field}' is empty"
    return None


def short_answer_fault(item: Mapping[str, Any]) -> str | None:
    """Why `item` (input, output) is not a question with a short answer, or None."""
    return text_fault(item, "input", "output")


def short_answer_reference(item: Mapping[str, Any]) -> str:
    """The right answer."""
    return item["output"]


def choice_fault(item: Mapping[str, Any]) -> str | None:
    """Why `item` (question, choices by letter, answer) is not a multiple choice, or None."""
    choices = item["choices"]
    if not isinstance(choices, Mapping) or len(choices) < 2:
        return "field 'choices' must be an object of at least two options"
    if any(key not in string.ascii_uppercase or len(key) != 1 for key in choices):
        return f"field 'choices' has the keys {', '.join(choices)}; they must be single letters A-Z"
    if not all(isinstance(option, str) for option in choices.values()):
        return "field 'choices' must contain only texts"
    if item["answer"] not in choices:
        return f"field 'answer' is {item['answer']!r}; valid: {', '.join(choices)}"
    return text_fault(item, "question")


def choice_prompt(item: Mapping[str, Any]) -> str:
    """The question, its lettered options on a line each, and the instruction to answer with a letter."""
    options = "\n".join(f"{letter}) {option.strip()}" for letter, option in item["choices"].items())
    return f"{item['question'].strip()}\n\n{options}\n\nChoose the one best option. Answer with its letter only."


def choice_reference(item: Mapping[str, Any]) -> str:
    """The right option as its line in `choice_prompt`, to compare with answers by letter and by text."""
    return f"{item['answer']}) {item['choices'][item['answer']].strip()}"
