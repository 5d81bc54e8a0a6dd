"""Stand-ins for the engine: no model, no torch, answers as the test says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from amongus.members.member import Message
from amongus.members.requests import Answer, EnsembleRequest, Request

Reply = Callable[[Request], str] | Mapping[str, str] | str


class ScriptedEngine:
    """The engine's face. Every request is remembered in `asked`, in order.

    Args:
        reply: what members answer: a text, a text per member, or a function of the request.
        fused: what ensembles answer: a text, or a function of the request.
        logits: label logits: a function of (member, conversation, labels); zeros if absent.
    """

    def __init__(
        self,
        reply: Reply = "ok",
        fused: Callable[[EnsembleRequest], str] | str = "fused",
        logits: Callable[[str, Sequence[Message], Sequence[str]], Sequence[float]] | None = None,
    ) -> None:
        self.reply, self.fused, self.logits = reply, fused, logits
        self.asked: list[Any] = []

    @property
    def stats(self) -> dict[str, float]:
        """As `Engine.stats`, with nothing spent."""
        counts = dict.fromkeys(("prompts_generated", "prompt_tokens", "new_tokens", "model_loads", "seconds"), 0)
        return {"prompts_asked": len(self.asked), **counts}

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """One scripted answer per request."""
        self.asked += requests
        return [_answer(self._reply(request)) for request in requests]

    def ensemble(
        self, requests: Sequence[EnsembleRequest], combine: Callable[[Any], Any], combine_id: str
    ) -> list[Answer]:
        """One scripted answer per request; `combine` is not called."""
        self.asked += requests
        return [_answer(self.fused(one) if callable(self.fused) else self.fused) for one in requests]

    def label_logits(
        self, member: str, conversations: Sequence[Sequence[Message]], labels: Sequence[str], continuation: str = ""
    ) -> list[list[float]]:
        """Scripted logits per conversation."""
        self.asked += [(member, conversation, tuple(labels), continuation) for conversation in conversations]
        if self.logits is None:
            return [[0.0] * len(labels) for _ in conversations]
        return [list(self.logits(member, conversation, labels)) for conversation in conversations]

    def _reply(self, request: Request) -> str:
        if isinstance(self.reply, Mapping):
            return self.reply[request.member]
        return self.reply(request) if callable(self.reply) else self.reply


def _answer(text: str) -> Answer:
    return Answer(text, len(text.split()), "stop")
