"""The questions of a dataset, and what each member answered alone, in chunks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from amongus.core.tables import QUESTIONS, RANKINGS, RESPONSES, REWARDS, SCORES, VERDICTS, read_table
from amongus.report.viewer.data_script import numbers
from amongus.report.viewer.teams import CHUNK

_SHOWN = 160
"""Characters of a question in lists."""


def read_questions(path: str | Path) -> dict[str, list[Any]]:
    """The columns of a dataset's questions under one seed."""
    return read_table(path, QUESTIONS).to_pydict()


def heads(questions: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What a list of questions shows of each."""
    return {"ids": list(questions["id"]), "prompts": [prompt[:_SHOWN] for prompt in questions["prompt"]]}


def read_answers(member: str, responses: str | Path, scores: str | Path) -> dict[str, Any]:
    """A member's own answers to a dataset's questions, in their order."""
    answered, scored = read_table(responses, RESPONSES), read_table(scores, SCORES)
    return {
        "member": member,
        "text": answered["text"].to_pylist(),
        "stop": answered["stop_reason"].to_pylist(),
        "score": numbers(scored["score"].to_pylist()),
        "reason": scored["reason"].to_pylist(),
    }


def read_evidence(kind: str, of: str, path: str | Path) -> Iterator[dict[str, Any]]:
    """What a supervisor gave each answer: `kind` is that of `targets.supervision`, `of` a member, or a pool if ranked."""
    if kind == "rankings":
        ranked: dict[str, list[float]] = {}
        for row in read_table(path, RANKINGS).to_pylist():
            ranked.setdefault(row["member"], []).append(row["verdict"])
        for member, values in ranked.items():
            yield {"kind": "verdict", "pool": of, "member": member, "values": numbers(values)}
        return
    column, schema = ("reward", REWARDS) if kind == "rewards" else ("verdict", VERDICTS)
    yield {"kind": column, "pool": None, "member": of, "values": numbers(read_table(path, schema)[column].to_pylist())}


def chunks(
    questions: Mapping[str, Sequence[str]], answers: Sequence[Mapping[str, Any]], evidence: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Per chunk the columns of its questions, of each member's answers, and of what supervisors gave them."""

    def part(values: Mapping[str, Any], start: int) -> dict[str, Any]:
        return {key: one[start : start + CHUNK] if isinstance(one, list) else one for key, one in values.items()}

    for start in range(0, len(questions["id"]), CHUNK):
        yield {
            **part({key: list(questions[key]) for key in ("id", "prompt", "item")}, start),
            "answers": [part(one, start) for one in answers],
            "evidence": [part(one, start) for one in evidence],
        }
