"""Debate, text level: members refine their answers seeing the others', then the best on dev writes the last word.

Among Us, section 3 (text-level collaboration). Round 0 is each member's cached answer. A masked member leaves:
nobody sees its texts, it refines nothing, and it does not write.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from amongus.engine.requests import Request, user
from amongus.seeds import derive
from amongus.team import Defend, Outcome, Task, Turn, ranked

LEVEL = "text"
PROMPTS = ("debate.refine", "debate.summary")
SETTINGS = {"rounds": 3}


def collaborate(task: Task, engine: Any, defend: Defend) -> list[Outcome]:
    """Debate every question over `settings["rounds"]` rounds, the cached answers being the first.

    Requests of one round are independent, so each round is one batch over all questions.
    """
    masked = defend([list(task.pool)] * len(task.ids))
    teams = [[member for member in task.pool if member != out] for out in masked]
    order = ranked({member: task.dev[member] for member in task.pool}, task.seed)
    writers = [next(member for member in order if member in team) for team in teams]
    answers = [{m: task.responses[m][row] for m in team} for row, team in enumerate(teams)]
    turns: list[list[Turn]] = [
        [Turn(0, m, "answer", text) for m, text in answer.items()] for answer in answers
    ]
    for number in range(1, task.settings["rounds"]):
        answers = _refine(task, engine, answers, number)
        for row, answer in enumerate(answers):
            turns[row] += [Turn(number, m, "refine", text) for m, text in answer.items()]
    finals = engine.generate(
        [Request(writer, user(_summary(task, row, answers[row]))) for row, writer in enumerate(writers)]
    )
    last = task.settings["rounds"]
    return [
        Outcome(
            final.text,
            writer,
            out,
            tuple(task.pool),
            (*turns[row], Turn(last, writer, "summary", final.text)),
        )
        for row, (final, writer, out) in enumerate(zip(finals, writers, masked, strict=True))
    ]


def _refine(task: Task, engine: Any, answers: list[dict[str, str]], number: int) -> list[dict[str, str]]:
    """Each member's answer after it has seen the others'."""
    asked = [(row, member) for row, answer in enumerate(answers) for member in answer]
    replies = engine.generate(
        [
            Request(
                member,
                user(
                    task.prompts["debate.refine"].render(
                        question=task.questions[row],
                        own=answers[row][member],
                        answers=_others(task, row, answers[row], member, number),
                    )
                ),
            )
            for row, member in asked
        ]
    )
    refined: dict[int, dict[str, str]] = defaultdict(dict)
    for (row, member), reply in zip(asked, replies, strict=True):
        refined[row][member] = reply.text
    return [refined[row] for row in range(len(answers))]


def _others(task: Task, row: int, answers: dict[str, str], member: str, number: int) -> Sequence[str]:
    """The others' answers in a seeded order, so that no member profits from its place in the pool."""
    others = [name for name in answers if name != member]
    others.sort(key=lambda name: derive(task.seed, "order", task.ids[row], number, name))
    return [answers[name] for name in others]


def _summary(task: Task, row: int, answers: dict[str, str]) -> str:
    names = sorted(answers, key=lambda name: derive(task.seed, "order", task.ids[row], "summary", name))
    return task.prompts["debate.summary"].render(
        question=task.questions[row], answers=[answers[name] for name in names]
    )
