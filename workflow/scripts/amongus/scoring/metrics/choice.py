"""Which option of a multiple choice a text chooses: by letter, or by the option's words in full.

Read in this order, the first that finds something decides:

1. clear statements ("the answer is B", "B is correct", a boxed letter). The last one counts; an earlier
   one for another letter makes the text contradictory, unless the later is marked as a revision or a
   conclusion ("wait", "actually", "final", "therefore");
2. a letter that stands alone or opens the text ("B", "(B)", "**B**", "B) text", "B, because"), and lines
   that consist of a letter;
3. the words of exactly one option, the longer where one contains the other;
4. exactly one letter named at all ("I'd go for option B").

A letter that is denied ("not A", "A is wrong") is no choice. Two choices are none.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from amongus.scoring import Unscorable
from amongus.scoring.metrics import _choice_patterns as patterns
from amongus.scoring.metrics._text import fold

_ANSWER_IS = re.compile(
    r"^(?:so |therefore |thus )?(?:the |my )?(?:correct |right |best |final )?(?:answer|option|choice)(?: is"
    r"| would be)? (?=\S)"
)
_WEAK = frozenset({"yes", "no", "true", "false", "none", "both", "neither", "all", "one", "two", "three"})


class _Claim(NamedTuple):
    """A letter that the text names as the answer, empty where it names several at once, and its place in the text."""

    letter: str
    start: int
    alone: bool = False
    """It opens the text, and no more of its sentence or line follows."""


def score(item: Mapping[str, Any], text: str) -> float:
    """1.0 where `text` chooses the `answer` (a letter) of the item's `choices` (letter -> option), else 0.0.

    Raises:
        Unscorable: the item has no choices, or its answer is none of them.
    """
    choices, answer = item.get("choices"), item.get("answer")
    if not isinstance(choices, Mapping) or not isinstance(answer, str) or answer not in choices:
        raise Unscorable("the item has no choices, or its answer is none of them")
    return float(answer in chosen(choices, text))


def chosen(choices: Mapping[str, str], text: str) -> set[str]:
    """The letters `text` chooses: none, one, or all whose options have the words it gives."""
    text = fold(text).strip()
    if not text:
        return set()
    options = _comparable(choices)
    whole = _same_words(text, options)
    if whole and len(text) > 1:
        return whole
    plain = _clean(_without_list(text, options))
    claims = list(_claims(plain))
    opening = _opening(plain, choices)
    if claims:
        # An opening letter alone on its line is a choice too, not merely discussed.
        named = {claim.letter for claim in (*claims, *([opening] if opening and opening.alone else []))}
        return {claims[-1].letter} & set(choices) if len(named) == 1 or _revised(plain, claims[-1]) else set()
    if opening:
        # Unless the words beside it are those of another option.
        line = _words(plain[opening.start + 1 :].partition("\n")[0])
        others = line and line in options.values() and options.get(opening.letter) != line
        return set() if others else {opening.letter} & set(choices)
    if lines := _letter_lines(plain):
        return lines & set(choices) if len(lines) == 1 else set()
    return _by_words(text, options) or _by_mention(plain) & set(choices)


def _clean(text: str) -> str:
    """`text` without emphasis, quotes, LaTeX, tags; blanks and line breaks single. A box becomes "answer:"."""
    text = re.sub(r"\\f?box(?:ed)?\s{0,2}\{", " answer: ", text, flags=re.IGNORECASE)
    text = re.sub(r"\\[A-Za-z]{1,12}|</?[A-Za-z]{1,12}>|[*_$\"#{}\\]|(?<!\w)'|'(?!\w)", " ", text)
    text = re.sub(r"[ \t]+", " ", text)
    return re.sub(r" ?\n[\n ]*", "\n", re.sub(r"(?<=[(\[]) | (?=[)\].,:;!?])", "", text)).strip()


def _without_list(text: str, options: Mapping[str, str]) -> str:
    """`text` without the lines that only repeat a lettered option, where there are two or more of them."""
    labelled = {f"{letter.lower()} {option}" for letter, option in options.items()}
    lines = text.split("\n")
    kept = [line for line in lines if len(line) > 2000 or _words(line) not in labelled]
    return "\n".join(kept) if len(lines) - len(kept) > 1 else text


def _claims(text: str) -> Iterator[_Claim]:
    """Clear statements in the order of the text, without denied or hedged ones."""
    matches = [match for pattern in patterns.STATEMENTS + patterns.VERDICTS for match in pattern.finditer(text)]
    for match in sorted(matches, key=lambda m: m.end("letter")):
        letter, start, end = match["letter"], match.start("letter"), match.end("letter")
        statement = text[match.start() : start].lower()
        before = re.split(r"[.!?;,\n]", text[max(0, match.start() - 40) : match.start()].lower())[-1]
        denied = patterns.DENIAL.search(before + statement if match.re in patterns.VERDICTS else statement)
        hedged = patterns.HEDGE.search(statement) or patterns.HEDGE.search(before)
        word = letter in "aAiI" and _is_word(text, letter, end)
        if not (denied or hedged or word or patterns.DENIED_AFTER.match(text, end)):
            yield _Claim("" if _names_another(text, letter, end) else letter.upper(), start)


def _names_another(text: str, letter: str, end: int) -> bool:
    """Whether the text goes on from the letter with a second one ("B or C")."""
    another = patterns.ANOTHER.match(text, end)
    return bool(another and another["second"].upper() != letter.upper() and another["second"] not in ("a", "I"))


def _is_word(text: str, letter: str, end: int) -> bool:
    """Whether the letter is the article or the pronoun: followed by a word on its line, as "a" always is."""
    following = re.match(r"[ \t]+(\w+)", text[end : end + 40])
    if not following:
        return False
    return letter in "ai" or following[1] not in ("because", "since", "due", "is", "and", "or")


def _revised(text: str, claim: _Claim) -> bool:
    """Whether the words before a claim (in this sentence or the one before) mark it as a revision."""
    before = text[max(0, claim.start - 100) : claim.start].lower()
    return bool(patterns.REVISION.search(" ".join(re.split(r"(?<=[.!?])\s|\n", before)[-2:])))


def _opening(text: str, choices: Mapping[str, str]) -> _Claim | None:
    """The letter that opens the text as a choice."""
    match = patterns.LEADING.match(text)
    if not match:
        return None
    letter, rest = match["letter"], match["rest"]
    # "B." is a sentence of its own; "B)" may begin a discussion of that option.
    alone = bool(patterns.ALONE.match(rest)) or rest.startswith(". ")
    if not alone and not patterns.DELIMITED.match(rest):
        return None
    if patterns.DENIED_AFTER.match(rest) or re.match(r"\.\s?[A-Z]\.", rest) or _relists(text, choices):
        return None
    if (
        letter in "aAiI"
        and re.match(r"[,\s-]", rest)
        and not alone
        and not re.match(r",? (?:because|since|as|due)\b|\s*[-(:]\s", rest)
    ):
        return None
    several = _names_another(text, letter, match.end("letter")) or (alone and _letter_lines(text) - {letter.upper()})
    return _Claim("" if several else letter.upper(), match.start("letter"), alone)


def _relists(text: str, choices: Mapping[str, str]) -> bool:
    """Whether the text opens by going through the options, one a line."""
    lines = re.findall(r"^[( -]{0,3}([A-Z])[).:\]]", text[:20_000], re.MULTILINE)
    first = list(choices)[:3]
    return lines[: len(first)] == first


def _letter_lines(text: str) -> set[str]:
    """The letters that are alone on a line."""
    lines = re.findall(r"^[(\[ ]{0,3}([A-Za-z])[)\].:! ]{0,4}$", text, re.MULTILINE)
    return {letter.upper() for letter in lines}


def _by_words(text: str, options: Mapping[str, str]) -> set[str]:
    """The letters of the one option whose words the text contains in full."""
    for part in (re.split(r"\n|(?<=[.!?])\s", text, maxsplit=1)[0], text.rstrip().rpartition("\n")[2]):
        if same := _same_words(part, options):
            return same
    words = f" {_words(text)} "
    opening = max((option for option in options.values() if words.startswith(f" {option} ")), key=len, default="")
    first = re.match(r"[^,.;:!-]{1,200}[,.;:!-]", text)
    if opening and first and opening == _words(first.group()):
        return {letter for letter, option in options.items() if option == opening}
    telling = {option for option in options.values() if option not in _WEAK and len(option) > 2}
    found = [match for option in telling for match in re.finditer(rf"(?<= ){re.escape(option)}(?= )", words)]
    maximal: set[str] = set()
    reach = 0
    for match in sorted(found, key=lambda match: (match.start(), -match.end())):
        if match.end() > reach and not patterns.DENIAL.search(words[max(0, match.start() - 26) : match.start()]):
            maximal.add(match.group())
        reach = max(reach, match.end())
    return {letter for letter, option in options.items() if option in maximal} if len(maximal) == 1 else set()


def _comparable(choices: Mapping[str, str]) -> dict[str, str]:
    """Each option's words; as written where the words alone do not tell two options apart (formulas)."""
    folded = {letter: fold(str(option)) for letter, option in choices.items()}
    words = {letter: _words(option) for letter, option in folded.items()}
    exact = {letter: _exact(option) for letter, option in folded.items()}
    return {
        letter: exact[letter]
        if not words[letter] or any(words[o] == words[letter] and exact[o] != exact[letter] for o in words)
        else words[letter]
        for letter in choices
    }


def _exact(text: str) -> str:
    return " ".join(text.casefold().split())


def _same_words(text: str, options: Mapping[str, str]) -> set[str]:
    """The letters of the option that `text` is, with or without "the answer is" before it."""
    if len(text) > 200 + 2 * max(map(len, options.values())):
        return set()
    forms = (_words(text), _exact(text))
    readings = {*forms, *(_ANSWER_IS.sub("", form) for form in forms)}
    return {letter for letter, option in options.items() if option in readings}


def _by_mention(text: str) -> set[str]:
    """The letter, if the text names exactly one as an option and does not deny it."""
    letters = set()
    for match in patterns.NAMED.finditer(text):
        group = match.lastgroup or ""
        letter = match[group]
        before = re.split(r"[.!?;\n]", text[max(0, match.start() - 30) : match.start()].lower())[-1]
        if re.search(r"\b[a-z][)\]]?(?: and | or | ?[/&,] ?)(?:option )?$", before):
            return set()
        part_of_name = group == "bare" and patterns.NAME_BEFORE.search(before)
        word = group != "bracketed" and letter in "ai"
        denied = patterns.DENIED_AFTER.match(text, match.end()) or patterns.DENIAL.search(before)
        if not (part_of_name or word or denied):
            letters.add(letter.upper())
    return letters if len(letters) == 1 else set()


def _words(text: str) -> str:
    """The words of a text for comparison: lower case, no punctuation but what can change a value."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.casefold())
    text = re.sub(r"\.(?!\d)|[!\"#'(),:;?@\[\\\]`{}_]|\*\*", " ", text)
    return " ".join(re.sub(r"(?<![\w\d])-(?!\d)|-(?=[a-z])|\*(?!\S)|(?<!\S)\*(?=\w)", " ", text).split())
