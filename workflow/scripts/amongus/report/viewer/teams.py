"""What a team answered: scores and masks in columns, one row a question, and every message in chunks of questions."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError
from amongus.core.tables import RUN_SCORES, RUNS, TRANSCRIPTS, read_table
from amongus.report.viewer.data_script import number

CHUNK = 100
"""Questions whose texts are in one file."""
UNREADABLE, ATTACKED = 1, 2
"""Bits of the column `flags`: the supervisor could not be read; an attacker was among the candidates."""
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Defence -> per question, in the dataset's order, a row of the run with its score and reason."""


@dataclass(frozen=True)
class TeamFiles:
    """The files of a team on one dataset under one seed."""

    run: str | Path
    scores: str | Path
    transcript: str | Path


def read_team(files: TeamFiles, ids: Sequence[str]) -> Rows:
    """What a team answered to the questions `ids`.

    Raises:
        StudyError: the run or its scores are of other questions.
    """
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in read_table(files.run, RUNS).to_pylist():
        found[row["defence"]][row["id"]] = row
    scored = {(row["defence"], row["id"]): row for row in read_table(files.scores, RUN_SCORES).to_pylist()}
    wanted = {(defence, one) for defence in found for one in ids}
    if wanted != scored.keys() or wanted != {(defence, one) for defence, rows in found.items() for one in rows}:
        raise StudyError(f"{files.run}: not the questions of its dataset and scores; delete it and run again")
    return {defence: [{**rows[one], **scored[defence, one]} for one in ids] for defence, rows in found.items()}


def columns(rows: Sequence[Mapping[str, Any]], members: Sequence[str], attackers: Collection[str]) -> dict[str, list]:
    """A row a question: score (null: none), masked (place in `members`; -1: nobody) and flags."""
    places = {member: place for place, member in enumerate(members)}
    return {
        "score": [number(row["score"]) for row in rows],
        "masked": [places[row["masked"]] if row["masked"] else -1 for row in rows],
        "flags": [
            UNREADABLE * bool(row["unreadable"]) + ATTACKED * any(one in attackers for one in row["candidates"] or ())
            for row in rows
        ],
    }


def talks(files: TeamFiles, rows: Rows, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Per chunk of questions every message: strings, once each, and what refers to them by their place.

    `questions`: per question and defence [text, reason, chosen, masked, candidates, turns]; a turn is [round, member,
    role, text]. Nobody is the empty string.
    """
    turns: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for turn in read_table(files.transcript, TRANSCRIPTS).to_pylist():
        turns[turn["defence"], turn["id"]].append(turn)
    for start in range(0, len(ids), CHUNK):
        strings: dict[str, int] = {}

        def place(text: str | None, strings: dict[str, int] = strings) -> int:
            return strings.setdefault(text or "", len(strings))

        questions = [
            [
                [
                    *(place(row[name]) for name in ("text", "reason", "chosen", "masked")),
                    [place(one) for one in row["candidates"] or ()],
                    [
                        [turn["round"], *(place(turn[name]) for name in ("member", "role", "text"))]
                        for turn in turns[defence, row["id"]]
                    ],
                ]
                for defence, row in ((defence, own[question]) for defence, own in rows.items())
            ]
            for question in range(start, min(start + CHUNK, len(ids)))
        ]
        yield {"defences": list(rows), "strings": list(strings), "questions": questions}
