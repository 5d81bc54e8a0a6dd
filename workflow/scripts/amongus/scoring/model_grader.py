"""Scoring by a model: a grader decides whether an answer is equivalent to the reference of its question.

Only what the grader writes is read as a decision. An answer cannot be mistaken for one: it is between marks that it
does not contain, and the words of a decision in it are shown joined, so that not even a quotation of it counts.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

from amongus import datasets
from amongus.core.snakemake_job import Named
from amongus.inference.engine import Engine, open_engine
from amongus.members.judge_prompts import free_mark
from amongus.members.member import Member, known_fingerprint
from amongus.members.prompts import Template, clipped
from amongus.members.requests import Answer, Request, user

GRADER = "grader"
_LOG = logging.getLogger(__name__)
_WORDS = re.compile(r"(final)\s+(decision)", re.IGNORECASE)
# In quotation marks, or followed by an alternative, it repeats the instruction.
_DECISION = re.compile(r"(?<![\"'“‘])final\s+decision[\s*_`]*:[\s*_`]*(yes|no)\b(?!\s*(?:[/|]|or\b))", re.IGNORECASE)


@dataclass(frozen=True)
class ModelGrader:
    """A model that compares answers with references.

    Attributes:
        engine: with the member `GRADER`, greedy.
        template: with the gaps question, reference, answer and mark.
        kinds: dataset -> its module, whose `reference(item)` is the right answer.
        limit: characters of an answer that are shown.
    """

    engine: Engine
    template: Template
    kinds: Mapping[str, str]
    limit: int

    def references(self, dataset: str, items: Sequence[Mapping[str, Any]]) -> list[str]:
        """The right answer to each of `items`, rows of the dataset's JSON; empty where the row has none."""
        return [datasets.load(self.kinds[dataset]).reference(item) for item in items]

    def explain(
        self, questions: Sequence[str], references: Sequence[str], texts: Sequence[str]
    ) -> list[tuple[float, str]]:
        """Each text's score, 1.0 or 0.0, or NaN with the reason, as `amongus.scoring.explain` gives them.

        A text without a visible character is wrong without asking the grader. The score is NaN for a row without a
        reference, and for a text about which the grader wrote no decision.

        Raises:
            StudyError: the grader's checkpoint cannot be used.
        """
        rows = list(zip(questions, references, texts, strict=True))
        scores = [_at_once(reference, text) for _, reference, text in rows]
        unscored = [row for row, score in zip(rows, scores, strict=True) if score is None]
        requests = [Request(GRADER, compared(*row, self.template, self.limit)) for row in unscored]
        graded = [_read(answer) for answer in self.engine.generate(requests)]
        unread = sum(bool(reason) for _, reason in graded)
        if unread:
            _LOG.warning("the grader wrote no decision on %d of %d answers", unread, len(graded))
        in_order = iter(graded)
        return [score or next(in_order) for score in scores]


def open_grader(folder: str | Path, params: Named, seed: int) -> ModelGrader:
    """The grader whose checkpoint is in `folder`, loaded on first use; `params` are those of the rule."""
    grading = params.grading
    member = Member(GRADER, str(folder), fingerprint=known_fingerprint(folder))
    engine = open_engine(params, [member], seed, grading["sampling"])
    return ModelGrader(engine, Template(**grading["template"]), grading["kinds"], grading["limit"])


def compared(question: str, reference: str, text: str, template: Template, limit: int) -> tuple[Any, ...]:
    """The question to a grader whether `text` is equivalent to `reference`, the right answer to `question`."""
    answer = shown(text, limit)
    mark = free_mark(question, reference, answer)
    return user(template.render(question=question, reference=reference, answer=answer, mark=mark))


def shown(text: str, limit: int) -> str:
    """An answer as the grader sees it: clipped, and without the two words that start a decision."""
    return _WORDS.sub(r"\1-\2", clipped(text, limit))


def decision(text: str) -> bool | None:
    """Whether the last decision in a grader's text is Yes; None where there is none.

    >>> decision("Both are 7.\\n\\n**Final Decision: Yes**")
    True
    """
    found = _DECISION.findall(text)
    return found[-1].lower() == "yes" if found else None


def _at_once(reference: Any, text: Any) -> tuple[float, str] | None:
    """The score that needs no grader, if any. The row comes first: it decides whether anything is scored."""
    if not isinstance(reference, str) or not reference.strip():
        return nan, "the item has no reference answer"
    if not isinstance(text, str):
        return nan, f"the answer must be a text, got {type(text).__name__}"
    return None if text.strip() else (0.0, "")


def _read(answer: Answer) -> tuple[float, str]:
    equivalent = decision(answer.text)
    if equivalent is not None:
        return float(equivalent), ""
    cut = " before its text was cut" if answer.stop_reason == "length" else ""
    return nan, f"the grader wrote no decision{cut}"
