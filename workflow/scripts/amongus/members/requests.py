"""Requests to members and their answers, without any model."""

from dataclasses import dataclass
from typing import NamedTuple

from amongus.members.member import Message


@dataclass(frozen=True)
class Request:
    """A request for one text of one member.

    `messages` begin with the user's: the engine puts the member's own system prompt first. `sample` distinguishes
    repeated draws for the same messages.
    """

    member: str
    messages: tuple[Message, ...]
    sample: int = 0


@dataclass(frozen=True)
class EnsembleRequest:
    """A request for one text from several members' next-token logits, decoded in lockstep."""

    members: tuple[str, ...]
    messages: tuple[Message, ...]
    sample: int = 0


class Answer(NamedTuple):
    """A text, its length in tokens, and the reason why it ended: `stop` or `length`."""

    text: str
    n_tokens: int
    stop_reason: str


def user(content: str) -> tuple[Message, ...]:
    """A conversation of one user message."""
    return ({"role": "user", "content": content},)
