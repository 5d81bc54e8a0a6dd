"""Prompt templates: short texts with named gaps that are filled literally."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from amongus.core.errors import StudyError

T = TypeVar("T")
_GAP = re.compile(r"\{(\w+)\}")
_SHOWN_PER_TOKEN = 16
_CUT = " […]"


@dataclass(frozen=True)
class Template:
    """A text with gaps such as `{question}`; `{answers}` is a list, each formatted by `item`.

    `item` may use `{text}`, `{number}` (from 1) and the other gaps.
    """

    text: str
    item: str = "- {text}"

    def render(self, *, answers: Sequence[str] = (), **fields: str) -> str:
        """Fill the gaps. Filled-in text is never read as a template, so braces in model text are safe.

        Raises:
            KeyError: a gap has no value.
        """
        lines = [
            _fill(self.item, {**fields, "text": answer, "number": str(number)})
            for number, answer in enumerate(answers, start=1)
        ]
        return _fill(self.text, {**fields, "answers": "\n".join(lines)})


def shown_characters(max_new_tokens: int) -> int:
    """How many characters of a member's text others see: several times the length of so many tokens."""
    return _SHOWN_PER_TOKEN * max_new_tokens


def clipped(text: str, limit: int) -> str:
    """`text`, cut after `limit` characters, so that no member crowds the others out of a prompt."""
    return text if len(text) <= limit else text[: max(0, limit - len(_CUT))] + _CUT


def load_prompts(path: str | Path) -> dict[str, Template]:
    """Read a YAML file `{method: {step: text | {text, item}}}` as `{"method.step": Template}`.

    Raises:
        StudyError: the file is missing or has another form.
    """
    return _read(path, "prompt templates", "prompts", _templates)


def load_personas(path: str | Path) -> dict[str, list[str]]:
    """Read a YAML file `{persona: [system prompt, …]}`.

    Raises:
        StudyError: the file is missing or has another form.
    """
    return _read(path, "personas", "personas", _texts)


def _templates(content: Any) -> dict[str, Template]:
    return {
        f"{method}.{step}": Template(entry) if isinstance(entry, str) else Template(**entry)
        for method, steps in content.items()
        for step, entry in steps.items()
    }


def _texts(content: Any) -> dict[str, list[str]]:
    if not all(isinstance(text, str) for texts in content.values() for text in texts):
        raise TypeError("a persona is a list of texts")
    return {name: list(texts) for name, texts in content.items()}


def _read(path: str | Path, what: str, key: str, parsed: Callable[[Any], T]) -> T:
    """What is `parsed` out of the YAML file that the config names by `key`."""
    try:
        return parsed(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); let `{key}` name a file of {what}") from None
    except (ValueError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise StudyError(f"{path}: not a file of {what} ({error}); see resources/{key}/ for the form") from None


def _fill(text: str, fields: Mapping[str, str]) -> str:
    return _GAP.sub(lambda gap: fields[gap.group(1)], text)
