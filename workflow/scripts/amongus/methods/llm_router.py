"""LLM router, API level: a small adapter learns from dev which member should answer a question.

Among Us, section 3 (API-level collaboration). The label of a dev question is the member with the best score,
ties by reward, then by seed. At test the members are ranked by the logits of the labels "1" to "N"; the first
member's cached response is the answer. A defence chooses between the first two.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from amongus.core.hashing import derive, digest
from amongus.core.json_files import read_record, write_json
from amongus.members.member import Member, fingerprint_directory, known_fingerprint
from amongus.methods._routing import route, targets
from amongus.team import Defend, Engine, LearnInput, Outcome, Task, user
from amongus.training.settings import RouterTraining

LEVEL = "api"
PROMPTS = ("llm_router.route",)
LEARNS = "adapter"
LEARNING_NEEDS = ("rewards",)
MODELS = ("base",)
RECORD = "router.json"


class Settings(RouterTraining):
    """The model that routes, and the adapter that it is given."""

    base: str | None = Field(None, description="The model of `models` that it adapts; default is that of most members.")


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """The router's choice is read from the logits of its labels; the answer is known."""
    return {"test": 1}


def labels(pool: Sequence[str]) -> list[str]:
    """The label of each member: its number in the pool, from 1."""
    return [str(number) for number in range(1, len(pool) + 1)]


def learn(data: LearnInput[Settings], out: Path) -> None:
    """Train the router's adapter into the folder `out`, on the model that `base` names: the same for all pools."""
    from amongus.training.router_adapter import train_router  # Imports trl, which only this step needs.

    best = targets(data.pool, data.ids, data.scores, data.rewards, data.seed)
    names = dict(zip(data.pool, labels(data.pool), strict=True))
    template = data.prompts["llm_router.route"]
    base = data.models.get("base") or Path(data.members[data.pool[0]].base)
    train_router(
        base=base,
        conversations=[user(template.render(question=question)) for question in data.questions],
        labels=[names[member] for member in best],
        settings=data.settings,
        seed=derive(data.seed, "llm_router", data.dataset, list(data.pool)),
        out=out,
        device=data.device,
        dtype=data.dtype,
    )
    write_json(out / RECORD, {"base": str(base), "pool": list(data.pool)})


def learned_member(pool: Mapping[str, Member], dataset: str, learned: Path) -> Member:
    """The model that the router was trained on, with its adapter for `dataset`."""
    base = read_record(learned, RECORD)["base"]
    fingerprint = digest("router", known_fingerprint(base), fingerprint_directory(learned))
    return Member(_name(dataset), base, adapter=str(learned), fingerprint=fingerprint)


def collaborate(task: Task[Settings], engine: Engine, defend: Defend) -> list[Outcome]:
    """Route every question to one member; under a defence to one of the first two."""
    template = task.prompts["llm_router.route"]
    conversations = [user(template.render(question=question)) for question in task.questions]
    logits = engine.label_logits(_name(task.dataset), conversations, labels(task.pool))

    def coin(row: int, pair: Sequence[str]) -> str:
        """The router's own suspicion is a seeded coin between its first and second choice."""
        return pair[derive(task.seed, "coin", task.ids[row]) % 2]

    return route(task, logits, coin, defend)


def _name(dataset: str) -> str:
    """The name of the router of `dataset` in the engine."""
    return f"router of {dataset}"
