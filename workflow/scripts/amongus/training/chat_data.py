"""Training data from outside: chats and prompts out of JSON, JSON lines or parquet, in the usual formats."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from amongus.core.errors import StudyError
from amongus.core.tables import parquet_table
from amongus.members.member import Message

_CHATS = ("messages", "conversations")
_PROMPTS = ("prompt", "instruction", "question")
_RESPONSES = ("response", "completion", "output", "answer")
_ROLES = {"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}


def rows_of(content: bytes, where: str) -> list[dict[str, Any]]:
    """The rows of a file: parquet, a JSON list, or JSON lines, as its content says; a `StudyError` if it is none."""
    try:
        if content[:4] == b"PAR1":
            return parquet_table(content).to_pylist()
        text = content.decode("utf-8")
        if text.lstrip().startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, OSError, RecursionError) as error:
        raise StudyError(
            f"{where}: neither parquet, a JSON list nor JSON lines ({error}); get the file again and pin its sha256"
        ) from None


def chats(
    rows: Sequence[Mapping[str, Any]], where: str, prompt: str | None = None, response: str | None = None
) -> list[list[Message]]:
    """Each row as a conversation of `role` and `content`.

    A row holds a chat (`messages`, `conversations`), or a prompt (text or chat) and perhaps a response, in the columns
    `prompt` and `response` where these are not the usual ones. GRPO needs prompts only, fine-tuning conversations that
    end in the assistant's turn.

    Raises:
        StudyError: a row is none of these; the line names it, and `where` it is.
    """
    return [_chat(row, f"{where}: row {number}", prompt, response) for number, row in enumerate(rows)]


def _chat(row: Any, what: str, prompt: str | None, response: str | None) -> list[Message]:
    if not isinstance(row, Mapping):
        raise StudyError(f"{what} is not an object; give rows with a chat, or a prompt and a response")
    chat = next((row[name] for name in _CHATS if isinstance(row.get(name), list)), None)
    if chat is None or prompt:
        question = _column(row, prompt, _PROMPTS)
        answer = _column(row, response, _RESPONSES)
        if question is None:
            named = prompt or ", ".join((*_CHATS, *_PROMPTS))
            raise StudyError(f"{what} has none of {named}; name the columns by prompt: and response:")
        if isinstance(question, str) and isinstance(row.get("input"), str) and row["input"].strip():
            question = f"{question}\n\n{row['input']}"
        if response and answer is None:
            raise StudyError(f"{what} has no {response}; name the column of the responses by response:")
        chat = [*_turns(question, "user"), *(_turns(answer, "assistant") if answer is not None else [])]
    if not chat:
        raise StudyError(f"{what} has an empty chat; omit it")
    return [_message(turn, what) for turn in chat]


def _column(row: Mapping[str, Any], named: str | None, usual: Sequence[str]) -> Any:
    return next((row[name] for name in ([named] if named else usual) if row.get(name) is not None), None)


def _turns(value: Any, role: str) -> list[Any]:
    return value if isinstance(value, list) else [{"role": role, "content": value}]


def _message(turn: Any, what: str) -> Message:
    fields = turn if isinstance(turn, Mapping) else {}
    role = _ROLES.get(fields.get("role", fields.get("from")))
    content = fields.get("content", fields.get("value"))
    if role is None or not isinstance(content, str):
        raise StudyError(
            f"{what} has a turn that is not {{role: system | user | assistant, content: text}}; fix or omit it"
        )
    return {"role": role, "content": content.encode("utf-8", "replace").decode("utf-8")}
