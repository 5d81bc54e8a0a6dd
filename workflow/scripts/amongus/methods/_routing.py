"""What the routers share: the target of a dev question, what choices are worth, and the answer by the ranking.

Among Us, sections 3 (API-level collaboration) and 4 (defences).
"""

from collections.abc import Callable, Sequence
from math import ceil, fsum, inf, isnan
from statistics import fmean

from amongus.core.errors import StudyError
from amongus.core.hashing import derive
from amongus.members.judge_prompts import log_probabilities
from amongus.team import Defend, LearnInput, Outcome, Task, Turn
from amongus.training.settings import Routing


def targets(data: LearnInput[Routing], known: Sequence[int]) -> list[int]:
    """Per dev question the place in the pool of the member that should answer it: of those with the best score one.

    It is the one best on the dev questions `known` (rows), then the one with the highest reward, then seeded. Where most
    questions are easy for most members, targets by the reward alone, as in the paper (`ties: reward`), are little more
    than noise: right answers are alike, and so are their rewards. A NaN score counts as zero, a NaN reward as the lowest.

    Raises:
        StudyError: there are no dev questions.
    """
    if not data.ids:
        raise StudyError(f"{data.dataset}: no dev questions for a router to learn from; raise its `dev`")
    scores = {member: list(map(number, data.scores[member])) for member in data.pool}
    dev = {member: fsum(own[row] for row in known) for member, own in scores.items()}

    def merit(row: int, member: str) -> tuple[float, float, float, int]:
        reward = number(data.rewards[member][row], -inf) if data.rewards else 0.0
        reliable = dev[member] if data.settings.ties == "dev" else 0.0
        return (scores[member][row], reliable, reward, derive(data.seed, "tie", data.ids[row], member))

    places = range(len(data.pool))
    return [max(places, key=lambda place: merit(row, data.pool[place])) for row in range(len(data.ids))]


def split(data: LearnInput[Routing], training: int) -> tuple[list[int], list[int]]:
    """Rows of the dev questions that a training learns from, and a fifth or more that it is validated on.

    One after another the trainings of a team, counted from 0, are validated on other questions, until all have been.
    A single question is learned from.
    """
    count = len(data.ids)
    order = sorted(range(count), key=lambda row: derive(data.seed, "router.split", data.ids[row]))
    size = min(ceil(count / 5), count - 1)
    order = order[training * size % count :] + order[: training * size % count]
    return order[size:], order[:size]


Merit = tuple[float, float]
"""What choices on validation questions are worth: their dev scores, then the log-probabilities of the targets; sums."""


def merit(
    data: LearnInput[Routing], goals: Sequence[int], rows: Sequence[int], logits: Sequence[Sequence[float]]
) -> Merit:
    """What choosing by `logits`, per row and member, is worth on these rows; `goals` are the targets of all."""
    chosen = [data.pool[own.index(max(own))] for own in logits]
    score = fsum(number(data.scores[member][row]) for row, member in zip(rows, chosen, strict=True))
    return score, fsum(log_probabilities(own)[goals[row]] for row, own in zip(rows, logits, strict=True))


def choose(merits: Sequence[Sequence[Merit]]) -> int:
    """Of candidates, which all trainings have tried, the place of the best by the sum over trainings; the last of equals.

    `merits` are per training and candidate.
    """
    totals = [tuple(map(fsum, zip(*own, strict=True))) for own in zip(*merits, strict=True)]
    return max(range(len(totals)), key=lambda place: (totals[place], place))


def average(trained: Sequence[Sequence[Sequence[float]]]) -> list[list[float]]:
    """Per question and member the mean over trainings of what `trained` holds per training, question and member."""
    return [[fmean(own) for own in zip(*rows, strict=True)] for rows in zip(*trained, strict=True)]


def number(value: float, otherwise: float = 0.0) -> float:
    """`value`, or `otherwise` where it is NaN (could not be scored, or read)."""
    return otherwise if isnan(value) else value


def rank(task: Task, merits: Sequence[Sequence[float]]) -> list[list[int]]:
    """Per question the places in the pool from best to worst, ties seeded; a NaN counts as the worst.

    `merits` are per question and member, in the pool's order, the higher the better.
    """
    places = range(len(task.pool))
    return [
        sorted(places, key=lambda place: (-number(row[place], -inf), derive(task.seed, "tie", key, place)))
        for key, row in zip(task.ids, merits, strict=True)
    ]


def route(
    task: Task, merits: Sequence[Sequence[float]], doubted: Callable[[int, Sequence[str]], str], defend: Defend
) -> list[Outcome]:
    """The cached answer of each question's first choice by `merits`; a defence chooses between the first two.

    `doubted` is, for a question's row and its two candidates, the one that the router itself would mask.
    """
    pairs = [[task.pool[place] for place in places[:2]] for places in rank(task, merits)]
    own = [doubted(row, pair) if len(pair) == 2 else None for row, pair in enumerate(pairs)]
    outcomes = []
    for row, (pair, out) in enumerate(zip(pairs, defend(pairs, own), strict=True)):
        chosen = next(member for member in pair if member != out)
        text = task.responses[chosen][row]
        turns, unreadable = (Turn(0, chosen, "answer", text),), any(map(isnan, merits[row]))
        outcomes.append(Outcome(text, chosen, out, tuple(pair), turns, unreadable))
    return outcomes
