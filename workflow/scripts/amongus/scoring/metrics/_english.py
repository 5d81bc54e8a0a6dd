"""English sentences in one canonical spelling, for scorers that match their meaning."""

import re

from amongus.scoring.metrics._text import fold

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_BLOCKQUOTE = re.compile(r"^[ \t]{0,8}>[^\n]*$", re.MULTILINE)
_DOUBLE_QUOTED = re.compile(r'"[^"\n]{0,1000}"')
_SINGLE_QUOTED = re.compile(r"(?<!\w)'[^'\n]{1,1000}'(?!\w)")
_VERB = r"(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need)"
_CONTRACTIONS = (
    (re.compile(r"\bcan ?not\b|\bcan ?' ?t\b|\bcannt\b"), "cannot"),
    (re.compile(r"\bwon ?' ?t\b"), "will not"),
    (re.compile(rf"\b{_VERB} ?n ?' ?t\b"), r"\1 not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should)nt\b"), r"\1 not"),
    (re.compile(r"\bcant\b"), "cannot"),
    (re.compile(r"\bwont\b"), "will not"),
    (re.compile(r"\b(?:i ?' ?m|im)\b"), "i am"),
    (re.compile(r"\bain ?' ?t\b"), "am not"),
    (re.compile(r"\blet ?' ?s\b"), "let us"),
    (re.compile(r"\b(i|we|you|they|who) ?' ?ve\b"), r"\1 have"),
    (re.compile(r"\b(i|we|you|they|it|that) ?' ?ll\b"), r"\1 will"),
    (re.compile(r"\b(i|we|you|they) ?' ?d\b"), r"\1 would"),
    (re.compile(r"\b(you|we|they) ?' ?re\b"), r"\1 are"),
    (re.compile(r"\b(it|that|there|this|what|which|who|where|here|he|she) ?' ?s\b"), r"\1 is"),
)


def sentences(text: str) -> list[str]:
    """The sentences of `text`, canonical: lower case, contractions spelt out, no emphasis, no commas.

    Quotations (quotation marks, block quotes, code) become the word "quoted", unless the whole text is one
    quotation. Final `?`, `.` and `!` stay. Linear time.

    >>> sentences("I’m **sorry**, I can 't.")
    ['i am sorry i cannot.']
    """
    text = fold(text).lower().strip()
    if len(text) > 1 and text[0] == text[-1] == '"' and text.count('"') == 2:
        text = text[1:-1]
    text = re.sub(r'"+', '"', text)
    own = _DOUBLE_QUOTED.sub(" quoted ", _BLOCKQUOTE.sub("", _FENCE.sub("\n", text)))
    text = own if re.search(r"[a-z]", own) else re.sub(r"[`>]", " ", text)
    text = re.sub(r"[*_~#|`]+", "", text)
    text = re.sub(r"[ \t]+", " ", text)
    # On the whole text, not line by line: noise may have a line for every other character.
    for pattern, full in _CONTRACTIONS:
        text = pattern.sub(full, text)
    text = _SINGLE_QUOTED.sub(" quoted ", text)
    text = re.sub(r"[^\w?.!/\n ]|(?<=\w)/(?=\w)|_", " ", text)
    text = re.sub(r" (?=[?.!])", "", re.sub(r" +", " ", text))
    return [line.strip() for line in re.split(r"(?<=[.!?]) |\n", text) if re.search(r"\w", line)]
