"""The last box of a text, compared with the reference as a number or, if that is not one, as words.

Boxes are \\box{}, \\boxed{} and \\fbox{}. A box that is never closed (a truncated text) or is empty (the
instruction quoted) is no answer: the last complete one counts. A text without a box scores 0, not NaN: the prompt
requires one. A unit, currency or percent sign beside the number does not matter; a second number or a variable does.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from amongus.scoring import Unscorable
from amongus.scoring.metrics._text import fold

_TOKEN = re.compile(r"\\f?box(?:ed)?\s{0,8}\{|\\\\(?!f?box)|\\[{}]|[{}]", re.IGNORECASE)
_LONGEST = 400  # characters; references are far shorter

_WRAPPER = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|tt|bb)?|operatorname|mbox|f?box(?:ed)?|underline|bm"
    r"|boldsymbol|emph)\s*\{([^{}]*)\}",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|(\d)\s*(\d))")
_BLANK = re.compile(r"\\(?:[,;:! ]|quad\b|qquad\b|left\b|right\b|displaystyle\b|big\b|Big\b)|~")
_DEGREE = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})|°")
_DIGITS = r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}(?!\d)|\d{1,3}(?: \d{3})+(?!\d)|\d+)"
_DECIMAL = rf"(?:{_DIGITS}(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)\s*(?:usd\s|us\$|[$€£¥₹])?\s*(?P<sign2>[+-]?)\s*"
    rf"(?:(?P<whole>\d+)\s+(?P<part>\d+)\s*/\s*(?P<parts>\d+)|(?P<top>{_DECIMAL})\s*/\s*(?P<bottom>{_DECIMAL})"
    rf"|(?P<plain>{_DECIMAL})(?:\s*(?:\\times|\*|x|×)\s*10\s*\^\s*\{{?\s*(?P<power>-?\d{{1,2}})\s*\}}?)?)(?P<unit>.*)"
)
_UNIT = re.compile(r"[\s%$€£¥₹]*(?:[mglshcf]|[a-z]{2,})?(?:[ ./-]+[a-z]+)*(?:(?<=[a-z]) ?\^\{?[23]\}?)?[\s%.,;]*")
_NOT_A_UNIT = re.compile(
    r"\b(?:or|and|to|not|plus|minus|times|over|k|hundreds?|thousands?|millions?|billions?|dozens?|half)\b"
)
_LABEL = re.compile(r"(?:(?:the )?(?:final )?(?:answer|result|total|length)(?: is|:)|[a-z][a-z ]{0,30}:)\s*")


def score(item: Mapping[str, Any], text: str) -> float:
    """1.0 where the last complete box of `text` contains the reference answer, else 0.0.

    The reference is the row's `output` (gsm8k, nlgraph) or `answer` (the toy world), or its part after '####' or in a box.

    Raises:
        Unscorable: the item has no reference.
    """
    value = item.get("output", item.get("answer"))
    if value is None or not str(value).strip():
        raise Unscorable("the item has no reference answer")
    reference = fold(str(value)).rpartition("####")[2].strip()
    content = last_box(fold(text))
    return float(content is not None and equal(content, last_box(reference) or reference))


def last_box(text: str) -> str | None:
    """The content of the complete, non-empty box that begins last, or None. One pass, braces matched."""
    open_braces: list[tuple[int, bool]] = []
    start, end = -1, -1
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark == "}":
            if not open_braces:
                continue
            begin, is_box = open_braces.pop()
            if is_box and begin > start and re.search(r"\S", text[begin : min(token.start(), begin + _LONGEST)]):
                start, end = begin, token.start()
        elif mark[-1] == "{" and len(mark) != 2:
            open_braces.append((token.end(), len(mark) > 1))
    return None if start < 0 else text[start:end]


def equal(answer: str, reference: str) -> bool:
    """Whether two answers are the same number, or the same words."""
    if len(answer) > _LONGEST:
        return False
    answer, reference = _plain(answer), _plain(reference)
    number = parse_number(reference)
    if number is not None:
        return parse_number(answer) == number
    answer, reference = _words(answer), _words(reference)
    if answer != reference and reference in ("yes", "no"):
        first, *rest = re.findall(r"[a-z]+", answer) or [""]
        # "Yes, there is a path" is a yes; "Yes or no" and "no path" are not as clear.
        return first == reference and answer[len(first)] in ",.;:-" and not {"yes", "no"} & set(rest)
    return bool(reference) and answer == reference


def parse_number(text: str) -> Fraction | None:
    """The number that `text` is, exactly, or None: sign, thousands separators, decimals, fractions, a unit.

    >>> parse_number("-1,234.50 dollars")
    Fraction(-2469, 2)
    """
    text = text.lower().rpartition("=")[2].strip()
    text = text[label.end() :] if (label := _LABEL.match(text)) else text
    number = _NUMBER.fullmatch(text.strip("() "))
    if not number or (number["sign"] and number["sign2"]):
        return None
    if not _UNIT.fullmatch(number["unit"]) or _NOT_A_UNIT.search(number["unit"]):
        return None
    try:
        if number["whole"]:
            value = Fraction(number["whole"]) + _decimal(number["part"]) / _decimal(number["parts"])
        elif number["top"]:
            value = _decimal(number["top"]) / _decimal(number["bottom"])
        else:
            value = _decimal(number["plain"]) * Fraction(10) ** int(number["power"] or 0)
    except ZeroDivisionError:
        return None
    return -value if "-" in (number["sign"], number["sign2"]) else value


def _decimal(text: str) -> Fraction:
    return Fraction(re.sub(r"[, ]", "", text).removesuffix(".") or "0")


def _plain(text: str) -> str:
    """An answer without its LaTeX: wrappers, spacing, delimiters, emphasis."""
    text = _DEGREE.sub("", text).replace("{,}", ",")
    text = re.sub(r"\\[()\[\]]", " ", text).replace("\\$", "$").replace("\\%", "%")
    if "$" in text:
        text = re.sub(r"^\s*\$(.*)\$\s*$", r"\1", text, flags=re.DOTALL)
    text = _BLANK.sub(lambda blank: "" if blank.group() == "\\!" else " ", text)
    for _ in range(8):  # each round opens the innermost wrappers
        text, fractions = _FRACTION.subn(lambda f: f" {f[1] or f[3] or ''}/{f[2] or f[4] or ''} ", text)
        text, wrappers = _WRAPPER.subn(r" \1 ", text)
        if not fractions + wrappers:
            break
    text = re.sub(r"\{([^{}]*)\}", r"\1", text) if "^" not in text else text
    return " ".join(text.split()).strip("*_'\" ").rstrip(".,;: ")


def _words(text: str) -> str:
    return " ".join(text.casefold().split()).strip(".,;:!'\"*$ ")
