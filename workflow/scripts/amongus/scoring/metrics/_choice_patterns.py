"""Patterns of statements of a choice, for a cleaned text: no emphasis, no LaTeX, single blanks and line breaks."""

import re

_LETTER = (
    r"[(\['<]?(?P<letter>[A-Za-z])(?![\w'^])"
    # What may follow a letter that is a choice. "A careful reading" and "I think" are words.
    r"(?=$|[.,;:!?)\]'>|/&+-]|\n| (?:because|since|as|for|due|given|which|but|and|or|is|with)\b| ?[(\[/&+=|-])"
)
_NOUN = r"(?:option|choice|letter|answer|statement|number)"
_FILL = (
    r"(?:(?:clearly|therefore|indeed|definitely|simply|thus|still|option|choice|letter|just|the|most|likely|probably"
    r"|correct|best|one|number)\b[ :]{0,2}){0,4}"
)
STATEMENTS = (
    # the answer is B; Answer: B; my final choice would be (B)
    re.compile(
        r"\b(?:answer|choice|option|selection|pick|response|solution|conclusion)\b(?: [\w'-]{1,15}){0,6}?(?: (?:is|are"
        rf"|was|be)\b| ?(?:[:=-]|->|=>)) ?[:\n]? ?{_FILL}{_LETTER}",
        re.IGNORECASE,
    ),
    # Answer B
    re.compile(rf"(?:^|\n)(?:final |correct |my )?(?:answer|choice) {_LETTER}", re.IGNORECASE),
    # I choose B; it must be B; that leaves B
    re.compile(
        r"\b(?:i(?:'d| would| will|'ll)? (?:choose|pick|select|go (?:with|for)|chose|say|vote for|answer)|(?:it|that"
        r"|this)(?:'s| is| must be| has to be| should be| would be| can only be)|must be|has to be|leaves(?: only"
        rf"| us with)?|choose|select|correct:)[ :]{{1,2}}(?:(?:the|definitely|clearly"
        rf"|{_NOUN})\b[ :]{{1,2}}){{0,3}}{_LETTER}",
        re.IGNORECASE,
    ),
    # ..., so B.
    re.compile(
        rf"\b(?:so|therefore|thus|hence|consequently)[ ,:]{{1,2}}(?:{_NOUN} )?{_LETTER}(?=[ ).]{{0,3}}(?:$|\n))",
        re.IGNORECASE,
    ),
)
_RIGHT = r"(?:the |my )?(?:\w{1,20} )?(?:correct|right|best|true|answer|choice|accurate|most \w{1,20})\b"
VERDICTS = (
    # B is correct
    re.compile(
        r"(?<![\w'-])(?P<letter>[A-Z])[)\].']{0,3} (?:is|seems|looks|must be|would be) (?:(?:indeed|clearly|definitely"
        rf"|probably) )?{_RIGHT}"
    ),
    # option b is the best answer
    re.compile(
        r"\b(?:option|choice|answer) [(']{0,2}(?P<letter>[A-Za-z])[)\].']{0,3} (?:is|seems) (?:(?:indeed|clearly"
        rf"|definitely|probably) )?{_RIGHT}",
        re.IGNORECASE,
    ),
)
DENIAL = re.compile(
    r"\b(?:not|isn't|isnt|never|cannot|can't|neither|nor|rather than|instead of|except|wrong|incorrect|rule out"
    r"|eliminate)\b"
)
HEDGE = re.compile(
    r"\b(?:if|whether|might|may|could|maybe|perhaps|at first|first thought|initially|tempting|would have|suppose"
    r"|unless)\b"
)
REVISION = re.compile(
    r"\b(?:final(?:ly)?|actually|wait|correction|correct(?:ed|ing)|sorry|oops|therefore|thus|hence|instead"
    r"|reconsider\w*|on reflection|on second thou\w+|in conclusion|conclu\w+|so|no|change my|revis\w+|after all|rather"
    r"|but|however|mistake\w*)\b"
)
ANOTHER = re.compile(
    r"[)\]']{0,2}(?: (?:and|or) | ?[/&+] ?|, ?(?:and |or )?)(?:option )?[(']{0,2}(?P<second>[A-Za-z])(?![\w'^])"
    r"(?![)\].]{0,2} (?:is|was|seems|says|would|are)\b)",
    re.IGNORECASE,
)
LEADING = re.compile(
    r"(?:(?:option|choice|letter|answer) )?[(\['<]?(?P<letter>[A-Za-z])(?![\w'^])(?P<rest>[^\n]{0,400})", re.IGNORECASE
)
DELIMITED = re.compile(r"[)\].:,;>]| ?[-=|(>:]|$| (?:because|since|as|due)\b", re.IGNORECASE)
ALONE = re.compile(r"[ )\]'.:,;!?>/-]{0,9}$")
DENIED_AFTER = re.compile(
    r"[)\].:' -]{0,4}(?:is |are |seems |was |looks |would be |can be )?(?:\w{2,15}ly )?(?:not|isn't|wrong|incorrect"
    r"|false|ruled out|eliminated|tempting|close)\b",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"(?:\b(?:option|choice|letter) [(']{0,2}(?P<named>[A-Za-z])(?![\w'^-])|[(\[](?P<bracketed>[A-Za-z])[)\]]"
    r"|(?<![\w'-])(?P<bare>[A-Z])(?=[.!)']{0,3} ?(?:$|\n)))",
    re.IGNORECASE,
)
# "vitamin C", "plan B": a letter that is part of a name.
NAME_BEFORE = re.compile(
    r"\b(?:vitamin|plan|hepatitis|type|group|grade|figure|section|part|class|category|schedule|appendix|point|person"
    r"|company|model|the|a|an|[a-z]\.)\s*$"
)
