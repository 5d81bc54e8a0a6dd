"""Feedback, text level: some members criticise each answer and its author refines it; the best on dev concludes.

Among Us, section 3 (text-level collaboration). Round 0 is each member's cached answer. A masked member leaves: it
does not criticise, no member sees its texts, and it does not write. `fidelity: published` follows the published code,
where a masked member only stops criticising; the summary leaves out the member worst on dev instead.
"""

from collections.abc import Sequence

from pydantic import Field, NonNegativeInt

from amongus.members.member import Message
from amongus.methods._discussion import Answers, Discussion, begin, conclude, replies, shuffled, turns
from amongus.team import Defend, Engine, Outcome, Request, Task, Turn, ranked

LEVEL = "text"
PROMPTS = ("feedback.criticise", "feedback.refine", "debate.summary")


class Settings(Discussion):
    """How long members discuss, and in what company."""

    critics: NonNegativeInt = Field(3, description="How many others criticise an answer at most.")


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """Each answer is criticised and then refined once a round; then one summary."""
    critics = min(settings.critics, members - 1)
    per_answer = critics + 1 if critics else 0
    return {"test": (settings.rounds - 1) * members * per_answer + 1}


def collaborate(task: Task[Settings], engine: Engine, defend: Defend) -> list[Outcome]:
    """Answer every question over `settings.rounds` rounds, the cached answers being the first."""
    masked, answers, transcripts = begin(task, defend)
    for number in range(1, task.settings.rounds):
        criticisms = _criticise(task, engine, answers, masked, number)
        answers = _refine(task, engine, answers, criticisms)
        for row, more in enumerate(turns(number, "refine", answers)):
            critical = [
                Turn(number, critic, f"criticise {author}", text)
                for author, texts in criticisms[row].items()
                for critic, text in texts.items()
            ]
            transcripts[row] += [*critical, *more]
    if task.settings.fidelity == "published":
        worst = ranked(task.dev, task.seed)[-1]
        answers = [
            {member: text for member, text in one.items() if out is None or member != worst}
            for one, out in zip(answers, masked, strict=True)
        ]
    return conclude(task, engine, answers, masked, transcripts)


def _criticise(
    task: Task[Settings], engine: Engine, answers: Sequence[Answers], masked: Sequence[str | None], number: int
) -> list[dict[str, dict[str, str]]]:
    """Per question and author, the criticism of up to `settings.critics` seeded others."""
    requests = {}
    for row, one in enumerate(answers):
        for author, answer in one.items():
            others = [name for name in one if name not in (author, masked[row])]
            for critic in shuffled(task, row, others, number, author)[: task.settings.critics]:
                requests[row, author, critic] = Request(critic, _about(task, row, answer, "feedback.criticise"))
    criticisms: list[dict[str, dict[str, str]]] = [{author: {} for author in one} for one in answers]
    for (row, author, critic), text in replies(engine, requests).items():
        criticisms[row][author][critic] = text
    return criticisms


def _refine(
    task: Task[Settings], engine: Engine, answers: Sequence[Answers], criticisms: Sequence[dict[str, dict[str, str]]]
) -> list[dict[str, str]]:
    """Each author's answer after criticism; without any, the answer it had."""
    requests = {}
    for row, authors in enumerate(criticisms):
        for author, critics in authors.items():
            if critics:
                messages = _about(task, row, answers[row][author], "feedback.refine", list(critics.values()))
                requests[row, author] = Request(author, messages)
    refined = replies(engine, requests)
    return [
        {author: refined.get((row, author), answer) for author, answer in one.items()}
        for row, one in enumerate(answers)
    ]


def _about(
    task: Task[Settings], row: int, answer: str, template: str, criticism: Sequence[str] = ()
) -> tuple[Message, ...]:
    """A question, an answer to it, and an instruction about that answer."""
    question, answer = task.questions[row], task.shown(answer)
    instruction = task.prompts[template].render(
        question=question, own=answer, answers=[task.shown(text) for text in criticism]
    )
    return (
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": instruction},
    )
