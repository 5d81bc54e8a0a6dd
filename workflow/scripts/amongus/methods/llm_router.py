"""LLM router, API level: a small adapter learns from dev which member should answer a question.

Among Us, section 3 (API-level collaboration). The label of a dev question is the member with the best score,
ties by reward, then by seed. At test the members are ranked by the logits of the labels "1" to "N"; the first
member's cached response is the answer. A defence chooses between the first two.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from amongus.engine.requests import user
from amongus.members import Member, fingerprint_directory
from amongus.seeds import derive, digest
from amongus.team import Defend, Lesson, Outcome, Task, Turn

LEVEL = "api"
PROMPTS = ("llm_router.route",)
LEARNS = "adapter"
LEARNING_NEEDS = ("rewards",)
SETTINGS = {
    "rank": 64,
    "alpha": 16,
    "dropout": 0.1,
    "targets": "all-linear",
    "learning_rate": 1e-5,
    "scheduler": "cosine",
    "epochs": 5,
    "batch_size": 32,
    "warmup": 0.1,
}


def labels(pool: Sequence[str]) -> list[str]:
    """The label of each member: its number in the pool, from 1."""
    return [str(number) for number in range(1, len(pool) + 1)]


def targets(
    pool: Sequence[str],
    ids: Sequence[str],
    scores: Mapping[str, Sequence[float]],
    rewards: Mapping[str, Sequence[float]],
    seed: int,
) -> list[str]:
    """Per dev question the label of the member with the best score, ties by reward, then seeded.

    A NaN score counts as zero. Without rewards ties are seeded.
    """

    def merit(row: int, member: str) -> tuple[float, float, int]:
        score = scores[member][row]
        reward = rewards[member][row] if rewards else 0.0
        return (score if score == score else 0.0, reward, derive(seed, "tie", ids[row], member))

    names = labels(pool)
    return [
        names[max(range(len(pool)), key=lambda place: merit(row, pool[place]))] for row in range(len(ids))
    ]


def learn(lesson: Lesson, out: Path) -> None:
    """Train the router's adapter on the base of the pool's first member into the folder `out`."""
    from amongus.training.router import train_router  # Imports trl, which only this step needs.

    chosen = targets(lesson.pool, lesson.ids, lesson.scores, lesson.rewards, lesson.seed)
    route = lesson.prompts["llm_router.route"]
    train_router(
        base=Path(lesson.members[lesson.pool[0]].base),
        conversations=[user(route.render(question=question)) for question in lesson.questions],
        labels=chosen,
        settings=lesson.settings,
        seed=derive(lesson.seed, "llm_router", lesson.dataset, list(lesson.pool)),
        out=out,
    )


def learned_member(pool: Mapping[str, Member], dataset: str, learned: Path) -> Member:
    """The base of the pool's first member with the router's adapter for `dataset`."""
    base = next(iter(pool.values()))
    fingerprint = digest("router", base.fingerprint, fingerprint_directory(learned))
    return Member(_name(dataset), base.base, adapter=str(learned), fingerprint=fingerprint)


def collaborate(task: Task, engine: Any, defend: Defend) -> list[Outcome]:
    """Route every question to one member; under a defence to one of the first two."""
    route = task.prompts["llm_router.route"]
    conversations = [user(route.render(question=question)) for question in task.questions]
    logits = engine.label_logits(_name(task.dataset), conversations, labels(task.pool))
    order = [
        sorted(range(len(task.pool)), key=lambda place: (-row[place], derive(task.seed, "tie", key, place)))
        for key, row in zip(task.ids, logits, strict=True)
    ]
    pairs = [[task.pool[place] for place in places[:2]] for places in order]
    # The router's own doubt is a seeded coin between its first and second choice.
    own = [
        pair[derive(task.seed, "coin", key) % 2] if len(pair) == 2 else None
        for key, pair in zip(task.ids, pairs, strict=True)
    ]
    masked = defend(pairs, own)
    outcomes = []
    for row, (pair, out) in enumerate(zip(pairs, masked, strict=True)):
        chosen = next(member for member in pair if member != out)
        text = task.responses[chosen][row]
        outcomes.append(Outcome(text, chosen, out, tuple(pair), (Turn(0, chosen, "answer", text),)))
    return outcomes


def _name(dataset: str) -> str:
    """The name under which the engine knows the router of `dataset`."""
    return f"router of {dataset}"
