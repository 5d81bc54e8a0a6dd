"""LLM router, API level: a small adapter learns from dev which member should answer a question.

Among Us, section 3 (API-level collaboration). The label of a dev question is the number of the member with the best
score. At test the members are ranked by the logits of the labels "1" to "N"; the first member's cached response is
the answer. A defence chooses between the first two.

Deviations: in the paper ties go to the highest reward (`ties: reward`), here to the member best on dev, and one adapter
is trained at one learning rate. Here several adapters may be trained, whose log-probabilities of the labels are
averaged. Of several learning rates the one is taken that, after training on the other dev questions, chooses the best
members for a fifth of them; then all dev questions are trained on.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from amongus.core.hashing import derive, digest
from amongus.core.json_files import read_record, write_json
from amongus.members.judge_prompts import log_probabilities
from amongus.members.member import Member, Message, check_files, fingerprint_directory, known_fingerprint
from amongus.methods._routing import Merit, average, choose, merit, route, split, targets
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
    """The choice is read from the logits of the labels, of every training; the answer is known."""
    return {"test": settings.trainings}


def labels(pool: Sequence[str]) -> list[str]:
    """The label of each member: its number in the pool, from 1."""
    return [str(number) for number in range(1, len(pool) + 1)]


def learn(data: LearnInput[Settings], out: Path) -> None:
    """Train the router's adapters into `out`, on the model that `base` names: the same for all pools."""
    rates, trainings = data.settings.learning_rates, range(data.settings.trainings)
    merits = [[_validate(data, rate, training) for rate in rates] for training in trainings] if len(rates) > 1 else []
    rate = rates[choose(merits)] if merits else rates[0]
    for training in trainings:
        _train(data, range(len(data.ids)), rate, training, out / str(training))
    record = {"base": str(data.models["base"]), "pool": list(data.pool), "learning_rate": rate}
    write_json(out / RECORD, {**record, "validation": merits})


def _validate(data: LearnInput[Settings], rate: float, training: int) -> Merit:
    """What the choices on validation questions are worth after training on the others."""
    import torch

    from amongus.members import chat_template

    rows, validation = split(data, training)
    model, tokenizer = _train(data, rows, rate, training)
    ids = [chat_template.encode(tokenizer, label)[0] for label in labels(data.pool)]
    logits = []
    with torch.no_grad():
        for row in validation:
            prompt = torch.tensor([chat_template.render(tokenizer, _asked(data, row))], device=model.device)
            logits.append(model.eval()(prompt).logits[0, -1, ids].tolist())
    return merit(data, targets(data, rows), validation, logits)


def _asked(data: LearnInput[Settings], row: int) -> tuple[Message, ...]:
    return user(data.prompts["llm_router.route"].render(question=data.questions[row]))


def _train(
    data: LearnInput[Settings], rows: Sequence[int], rate: float, training: int, out: Path | None = None
) -> tuple[Any, Any]:
    """The base with an adapter that has learned labels of some dev questions, saved to `out`; and its tokenizer."""
    # Imports trl, which only this step needs.
    from amongus.training import sft_tokens
    from amongus.training.common import encode, fix_randomness, load_base, new_adapter, save_adapter

    seed = fix_randomness(derive(data.seed, "llm_router", data.dataset, list(data.pool), training), "router")
    model, tokenizer = load_base(data.models["base"], data.dtype)
    names, goals = labels(data.pool), targets(data, rows)
    examples = [
        encode(tokenizer, [*_asked(data, row), {"role": "assistant", "content": names[goals[row]]}]) for row in rows
    ]
    optimiser = data.settings.optimiser(rate, len(examples))
    model = new_adapter(model, data.settings)
    # Each pass in a new order and in whole batches: which examples are left over differs between passes.
    size, order = optimiser.batch_size, random.Random(seed)
    whole = len(examples) // size * size
    passes = range(data.settings.epochs)
    stream = [examples[place] for _ in passes for place in order.sample(range(len(examples)), whole)]
    sft_tokens.fit(model, tokenizer, stream, optimiser, seed, bucket=1, device=data.device)
    if out:
        save_adapter(model, out, base="base")
    return model, tokenizer


def learned_members(pool: Mapping[str, Member], dataset: str, learned: Path) -> tuple[Member, ...]:
    """Per training the model that the router was trained on, with its adapter for `dataset`."""
    check_files(learned, weights=True)
    base = read_record(learned, RECORD)["base"]
    adapters = sorted((path for path in learned.iterdir() if path.is_dir()), key=lambda path: int(path.name))
    return tuple(
        Member(
            _name(dataset, training),
            base,
            adapter=str(adapter),
            fingerprint=digest("router", known_fingerprint(base), fingerprint_directory(adapter)),
        )
        for training, adapter in enumerate(adapters)
    )


def collaborate(task: Task[Settings], engine: Engine, defend: Defend) -> list[Outcome]:
    """Route every question to one member; under a defence to one of the first two."""
    template = task.prompts["llm_router.route"]
    conversations = [user(template.render(question=question)) for question in task.questions]
    trained = [
        [*map(log_probabilities, engine.label_logits(_name(task.dataset, training), conversations, labels(task.pool)))]
        for training in range(task.settings.trainings)
    ]

    def coin(row: int, pair: Sequence[str]) -> str:
        """The router's own suspicion is a seeded coin between its first and second choice."""
        return pair[derive(task.seed, "coin", task.ids[row]) % 2]

    return route(task, average(trained), coin, defend)


def _name(dataset: str, training: int) -> str:
    """The name of a router of `dataset` in the engine."""
    return f"router {training} of {dataset}"
