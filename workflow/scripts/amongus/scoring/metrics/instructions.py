"""Whether a text follows every instruction of its prompt, each checked by a program, without judge or reference.

The strict accuracy by prompt of IFEval (Zhou et al. 2023, "Instruction-Following Evaluation for Large Language
Models") and IFBench (Pyatkin et al. 2025, "Generalizing Verifiable Instruction Following"), with the checkers of
the library if-verifiable. The text is checked unchanged, and only against its instructions.

Whether an item can be scored depends on the item alone, never on the text: otherwise a member could choose which
of its answers count.
"""

import random
import re
from collections.abc import Mapping
from typing import Any

from amongus.datasets.ifeval import instructions_fault
from amongus.scoring import Unscorable
from amongus.scoring.metrics._text import fold
from amongus.scoring.metrics._verifiable import CHECKERS, lacking

# Characters. Some checkers take quadratic time; no prompt requires half as much.
LONGEST = 20_000
# Instructions whose arguments the library uses as regular expressions.
_PATTERNS = (
    "keywords:existence",
    "keywords:frequency",
    "keywords:forbidden_words",
    "detectable_content:postscript",
    "detectable_format:multiple_sections",
)


def score(item: Mapping[str, Any], text: str) -> float:
    """1.0 where `text` follows all of the item's instructions, else 0.0.

    A text without a visible character follows none, nor does one of more than `LONGEST` characters, nor one on which a
    checker fails.

    Raises:
        Unscorable: an instruction is unknown, its arguments do not fit, or it needs NLTK data that are absent.
    """
    if fault := instructions_fault(item):
        raise Unscorable(fault)
    if unknown := [name for name in item["instruction_id_list"] if name not in CHECKERS]:
        raise Unscorable(f"unknown instruction {', '.join(unknown)}")
    checkers = [checker(*pair) for pair in zip(item["instruction_id_list"], item["kwargs"], strict=True)]
    if len(text) > LONGEST or not fold(text).strip():
        return 0.0
    return float(all(_follows(one, text) for one in checkers))


def checker(name: str, arguments: Mapping[str, Any]) -> Any:
    """The library's checker of the instruction `name` with the item's arguments.

    Raises:
        Unscorable: as `score`.
    """
    if package := lacking(name):
        raise Unscorable(f"{name} needs NLTK's {package}, which is not installed: python -m nltk.downloader {package}")
    checker = CHECKERS[name](name)
    values = {key: _whole(value) for key, value in arguments.items() if value is not None}
    absent = [key for key in checker.get_instruction_args_keys() if key not in values]
    if absent:
        raise Unscorable(f"{name}: its kwargs lack {', '.join(absent)}")
    before = random.getstate()
    try:
        if name in _PATTERNS:
            # Before any text is scored: not every text reaches a faulty pattern.
            for value in values.values():
                for part in value if isinstance(value, list) else [value]:
                    re.compile(str(part))
        checker.build_description(**values)
        drawn = random.getstate() != before and not _as_given(checker, name, values)
    except Exception as error:
        raise Unscorable(f"{name}: its kwargs do not fit ({error})") from None
    finally:
        random.setstate(before)
    if drawn:
        raise Unscorable(f"{name}: its kwargs make no sense, so that the library would draw others")
    return checker


def _as_given(checker: Any, name: str, values: Mapping[str, Any]) -> bool:
    """Set the item's argument where the library rejects a sensible one and draws another."""
    if name == "keywords:letter_frequency" and len(values["letter"]) == 1 and values["let_frequency"] >= 0:
        checker._letter = values["letter"].lower()  # a sign, as "!"
        return True
    if name == "repeat:repeat_span" and values["n_end"] > values["n_start"] == 0:
        checker._n_start = 0
        return True
    return False


def _whole(value: Any) -> Any:
    """7.0 as 7: IFBench's rows store whole numbers as floats, which cannot be indexes."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _follows(checker: Any, text: str) -> bool:
    try:
        return bool(checker.check_following(text))
    except Exception:
        return False  # a text that breaks a checker must not leave the average
