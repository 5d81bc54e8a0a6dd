"""LLM router, API level: a small adapter learns from dev which member should answer a question.

Among Us, section 3 (API-level collaboration). The label of a dev question is the member with the best score,
ties by reward, then by seed. At test the members are ranked by the logits of the labels "1" to "N"; the first
member's cached response is the answer. A defence chooses between the first two.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from amongus.core.hashing import derive, digest
from amongus.core.json_files import read_record, write_json
from amongus.members.member import Member, Message, fingerprint_directory, known_fingerprint
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
    """The model that routes, and the training of its adapter; the defaults are the paper's."""

    base: str | None = Field(None, description="The model of `models` that it adapts; default is that of most members.")


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """The router's choice is read from the logits of its labels; the answer is known."""
    return {"test": 1}


def labels(pool: Sequence[str]) -> list[str]:
    """The label of each member: its number in the pool, from 1."""
    return [str(number) for number in range(1, len(pool) + 1)]


def learn(data: LearnInput[Settings], out: Path) -> None:
    """Train the router's adapter into the folder `out`, on the model that `base` names: the same for all pools."""
    template = data.prompts["llm_router.route"]
    names = dict(zip(data.pool, labels(data.pool), strict=True))
    best = targets(data.pool, data.ids, data.scores, data.rewards, data.seed)
    conversations = [
        (*user(template.render(question=question)), {"role": "assistant", "content": names[member]})
        for question, member in zip(data.questions, best, strict=True)
    ]
    base = data.models["base"]
    _train(base, conversations, data, out)
    write_json(out / RECORD, {"base": str(base), "pool": list(data.pool)})


def _train(base: Path, conversations: Sequence[Sequence[Message]], data: LearnInput[Settings], out: Path) -> None:
    """Train an adapter for `base` into `out` that answers the routing prompts with a member's label."""
    # Imports trl, which only this step needs.
    from amongus.training import sft_tokens
    from amongus.training.common import encode, fix_randomness, load_base, new_adapter, save_adapter

    seed = fix_randomness(derive(data.seed, "llm_router", data.dataset, list(data.pool)), "router")
    model, tokenizer = load_base(base, data.dtype)
    examples = [encode(tokenizer, conversation) for conversation in conversations]
    size = min(data.settings.batch_size, len(examples))
    settings = data.settings.model_copy(update={"batch_size": size})
    model = new_adapter(model, settings)
    # Each pass in a new order and in whole batches: which examples are left over differs between passes.
    order, whole = random.Random(seed), len(examples) // size * size
    stream = [examples[place] for _ in range(settings.epochs) for place in order.sample(range(len(examples)), whole)]
    sft_tokens.fit(model, tokenizer, stream, settings, seed, bucket=1, device=data.device)
    save_adapter(model, out, base="base")


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
