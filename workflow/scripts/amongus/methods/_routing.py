"""What the routers share: the best member per dev question, and the answer once the members are ranked.

Among Us, sections 3 (API-level collaboration) and 4 (defences).
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf, isnan

from amongus.core.hashing import derive
from amongus.team import Defend, Outcome, Task, Turn


def targets(
    pool: Sequence[str],
    ids: Sequence[str],
    scores: Mapping[str, Sequence[float]],
    rewards: Mapping[str, Sequence[float]],
    seed: int,
) -> list[str]:
    """Per dev question the member with the best score, ties by reward, then seeded.

    A NaN score counts as zero, a NaN reward as the lowest. Without rewards ties are seeded.
    """

    def merit(row: int, member: str) -> tuple[float, float, int]:
        reward = number(rewards[member][row], -inf) if rewards else 0.0
        return (number(scores[member][row]), reward, derive(seed, "tie", ids[row], member))

    return [max(pool, key=lambda member: merit(row, member)) for row in range(len(ids))]


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
