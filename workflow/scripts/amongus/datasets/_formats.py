"""The two shapes of rows the scored datasets share: a question with a short answer, and a multiple choice."""

import string
from collections.abc import Mapping
from typing import Any

BOXED_INSTRUCTION = "Reason step by step if you need to, then end with the final answer alone in \\boxed{}"
CHOICE_INSTRUCTION = "Choose the one best option. Answer with its letter only."


def text_fault(item: Mapping[str, Any], *fields: str) -> str | None:
    """Why one of `fields` is no usable text, or None."""
    for field in fields:
        if not isinstance(item[field], str):
            return f"field {field} is no text but {type(item[field]).__name__}"
        if not item[field].strip():
            return f"field {field} is empty"
    return None


def choice_fault(item: Mapping[str, Any]) -> str | None:
    """Why `item` (question, choices by letter, answer) is no multiple choice, or None."""
    choices = item["choices"]
    if not isinstance(choices, Mapping) or len(choices) < 2:
        return "field choices is no object of at least two options"
    if any(key not in string.ascii_uppercase or len(key) != 1 for key in choices):
        return f"field choices has the keys {', '.join(choices)}, not single letters A-Z"
    if not all(isinstance(option, str) for option in choices.values()):
        return "field choices holds an option that is no text"
    if item["answer"] not in choices:
        return f"field answer is {item['answer']!r}, none of {', '.join(choices)}"
    return text_fault(item, "question")


def choice_prompt(item: Mapping[str, Any]) -> str:
    """The question, its lettered options one a line, and the instruction to answer with a letter."""
    options = "\n".join(f"{letter}) {option.strip()}" for letter, option in item["choices"].items())
    return f"{item['question'].strip()}\n\n{options}\n\n{CHOICE_INSTRUCTION}"


def choice_reference(item: Mapping[str, Any]) -> str:
    """The right option as its line in `choice_prompt`: whether letter or text is given, it can be compared."""
    return f"{item['answer']}) {item['choices'][item['answer']].strip()}"
