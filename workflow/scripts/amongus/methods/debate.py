"""Debate, text level: members refine their answers seeing the others', then the best on dev writes the final one.

Among Us, section 3 (text-level collaboration). Round 0 is each member's cached answer. A masked member leaves: no
member sees its texts, it refines nothing, and it does not write. `fidelity: published` follows the published code,
where a masked member is only hidden from the others: it still refines its own answer, and the summary shows it.
"""

from collections.abc import Sequence

from amongus.methods._discussion import Answers, Discussion, begin, conclude, replies, shuffled, turns
from amongus.team import Defend, Engine, Outcome, Request, Task, user

LEVEL = "text"
PROMPTS = ("debate.refine", "debate.summary")


class Settings(Discussion):
    """How long members debate."""


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """Each member refines once a round; then one summary."""
    return {"test": (settings.rounds - 1) * members + 1}


def collaborate(task: Task[Settings], engine: Engine, defend: Defend) -> list[Outcome]:
    """Debate every question over `settings.rounds` rounds, the cached answers being the first.

    Requests of one round are independent, so each round is one batch over all questions.
    """
    masked, answers, transcripts = begin(task, defend)
    for number in range(1, task.settings.rounds):
        answers = _refine(task, engine, answers, masked, number)
        for row, more in enumerate(turns(number, "refine", answers)):
            transcripts[row] += more
    return conclude(task, engine, answers, masked, transcripts)


def _refine(
    task: Task[Settings], engine: Engine, answers: Sequence[Answers], masked: Sequence[str | None], number: int
) -> list[dict[str, str]]:
    """Each member's answer after it has seen the others', except the masked one's."""

    def prompt(row: int, member: str) -> str:
        others = [name for name in answers[row] if name not in (member, masked[row])]
        return task.prompts["debate.refine"].render(
            question=task.questions[row],
            own=task.shown(answers[row][member]),
            answers=[task.shown(answers[row][name]) for name in shuffled(task, row, others, number)],
        )

    requests = {
        (row, member): Request(member, user(prompt(row, member))) for row, one in enumerate(answers) for member in one
    }
    texts = replies(engine, requests)
    return [{member: texts[row, member] for member in one} for row, one in enumerate(answers)]
