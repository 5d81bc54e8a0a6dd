"""What the text-level methods share: who takes part, who writes the final answer, in which order texts are shown."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import Field, PositiveInt

from amongus.core.hashing import derive
from amongus.study.settings import FollowsCode
from amongus.team import Defend, Engine, Outcome, Request, Task, Turn, ranked, user


class Discussion(FollowsCode):
    """How long members discuss."""

    rounds: PositiveInt = Field(3, description="Rounds, the first of which is the cached answers.")


Answers = Mapping[str, str]
"""Each member's current answer to one question."""

Key = TypeVar("Key")


def begin(task: Task[Discussion], defend: Defend) -> tuple[list[str | None], list[dict[str, str]], list[list[Turn]]]:
    """Round 0: per question the masked member, the cached answers of those who take part, and their turns.

    Under `fidelity: published` the masked member still takes part.
    """
    masked = defend([list(task.pool)] * len(task.ids))
    stays = task.settings.fidelity == "published"
    answers = [
        {member: task.responses[member][row] for member in task.pool if stays or member != out}
        for row, out in enumerate(masked)
    ]
    return masked, answers, turns(0, "answer", answers)


def turns(number: int, role: str, answers: Sequence[Answers]) -> list[list[Turn]]:
    """The messages of round `number`, per question."""
    return [[Turn(number, member, role, text) for member, text in one.items()] for one in answers]


def replies(engine: Engine, requests: Mapping[Key, Request]) -> dict[Key, str]:
    """The text that answers each request, in one batch."""
    return {key: reply.text for key, reply in zip(requests, engine.generate(list(requests.values())), strict=True)}


def shuffled(task: Task, row: int, names: Sequence[str], *what: object) -> list[str]:
    """Names in an order seeded for a question, so that no member benefits from its place in the pool."""
    return sorted(names, key=lambda name: derive(task.seed, "order", task.ids[row], *what, name))


def conclude(
    task: Task[Discussion],
    engine: Engine,
    answers: Sequence[Answers],
    masked: Sequence[str | None],
    transcripts: Sequence[Sequence[Turn]],
) -> list[Outcome]:
    """The final answers, from all of `answers`, by the member best on dev among those not masked."""
    order = ranked(task.dev, task.seed)
    writers = [next(member for member in order if member != out) for out in masked]
    requests = []
    for row, writer in enumerate(writers):
        shown = [task.shown(answers[row][name]) for name in shuffled(task, row, list(answers[row]), "summary")]
        summary = task.prompts["debate.summary"].render(question=task.questions[row], answers=shown)
        requests.append(Request(writer, user(summary)))
    finals = engine.generate(requests)
    last = task.settings.rounds
    return [
        Outcome(
            final.text, writer, out, tuple(task.pool), (*transcripts[row], Turn(last, writer, "summary", final.text))
        )
        for row, (final, writer, out) in enumerate(zip(finals, writers, masked, strict=True))
    ]
