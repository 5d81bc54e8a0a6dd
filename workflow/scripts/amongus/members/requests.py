"""What the engine is asked and what it answers; no model is needed to say so."""

from dataclasses import dataclass

from amongus.members.member import Message


@dataclass(frozen=True)
class Request:
    """One text wanted from one member.

    `messages` begin with the user's: the engine puts the member's own system prompt first. `sample` tells
    repeated draws for the same messages apart.
    """

    member: str
    messages: tuple[Message, ...]
    sample: int = 0


@dataclass(frozen=True)
class EnsembleRequest:
    """One text wanted from several members' next-token logits, decoded in lockstep."""

    members: tuple[str, ...]
    messages: tuple[Message, ...]
    sample: int = 0


@dataclass(frozen=True)
class Answer:
    """A text, its length in tokens, and why it ended: `stop` or `length`."""

    text: str
    n_tokens: int
    finish: str


def user(content: str) -> tuple[Message, ...]:
    """A conversation of one user message."""
    return ({"role": "user", "content": content},)
