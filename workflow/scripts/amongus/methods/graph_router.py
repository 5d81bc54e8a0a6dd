"""Graph router, API level: a small graph network learns from dev which member should answer a question.

GraphRouter (Feng et al. 2025) as in Among Us, section 3 (API-level collaboration). The label of a dev question is
that of the LLM router. At test the members are ranked by the network; the first member's cached response is the
answer. A defence chooses between the first two; the router itself doubts the first where they are nearly even.

Deviations: ties go as for the LLM router, several networks may be trained, whose logits are
averaged, and the learning rate may be chosen. A fifth of the dev questions, not a tenth, chooses learning rate and
epoch, by the dev scores of the members chosen, not by macro-F1; none is held out besides.
"""

from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, NonNegativeFloat, PositiveInt

from amongus.core.hashing import derive
from amongus.core.json_files import write_json
from amongus.members.embeddings import embed
from amongus.members.member import check_safetensors
from amongus.methods._routing import average, choose, merit, number, route, split, targets
from amongus.team import Defend, Engine, LearnInput, Outcome, Task
from amongus.training.settings import Epochs, LearningRates, Routing

if TYPE_CHECKING:
    from amongus.methods._graph_network import Checkpoint, Graph, Network

LEVEL = "api"
LEARNS = "router"
LEARNING_NEEDS = ("rewards", "lengths")
MODELS = ("embedder",)

_RECORD = "router.json"
_TENSORS = "router.safetensors"
_GRAPH = "dev."
_NETWORK = "network.{}."


class Settings(Routing):
    """The network that routes, and its training."""

    embedder: str = Field(description="The model of `models` that embeds texts.")
    width: PositiveInt = Field(16, description="Of the nodes' states.")
    learning_rate: LearningRates = 1e-4
    weight_decay: NonNegativeFloat = 1e-4
    epochs: Epochs = 500
    halves: PositiveInt = Field(32, description="Random halves of the edges that are predicted in a step.")
    margin: NonNegativeFloat = Field(
        0.001, description="The router doubts its first choice where it is ahead by less probability."
    )


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """None: questions are embedded, and answers are known."""
    return {"test": 0}


def learn(data: LearnInput[Settings], out: Path) -> None:
    """Train the router into the folder `out`: its tensors and the dev graph's, and what it is (`router.json`)."""
    from amongus.methods._graph_network import fit  # Imports torch.

    pool, graph = list(data.pool), dev_graph(data)
    merits, tried = [], []
    for training in range(data.settings.trainings):
        parts = split(data, training)
        goals = targets(data, parts[0])
        seed = derive(data.seed, "graph_router", data.dataset, pool, training)
        rates = data.settings.learning_rates
        tried.append([one for rate in rates for one in fit(graph, goals, parts, data.settings, rate, seed)])
        merits.append([merit(data, goals, parts[1], one.logits) for one in tried[-1]])
    best = choose(merits)
    taken = [checkpoints[best] for checkpoints in tried]
    chosen = {"learning_rate": taken[0].learning_rate, "epoch": taken[0].epoch}
    validation = [own[best] for own in merits]
    _save(out, taken, graph, {"pool": pool, "dataset": data.dataset, **chosen, "validation": validation})


def collaborate(task: Task[Settings], engine: Engine, defend: Defend) -> list[Outcome]:
    """Route every question to one member; under a defence to one of the first two. `engine` is not used."""
    from amongus.methods._graph_network import route_scores

    assert task.learned, "the rule train_router has filled a folder"
    networks, graph = _load(task.learned, task.settings)
    questions = embed(task.models["embedder"], task.questions)
    logits = average([route_scores(network, graph, questions) for network in networks])

    def doubted(row: int, pair: Sequence[str]) -> str:
        first, second = (_logistic(logits[row][task.pool.index(member)]) for member in pair)
        return pair[0] if first - second < task.settings.margin else pair[1]

    return route(task, logits, doubted, defend)


def dev_graph(data: LearnInput[Settings]) -> "Graph":
    """The dev questions, the members, and the members' costs and scores on the questions."""
    import torch

    from amongus.methods._graph_network import Graph

    # Members may share a description; their edges tell them apart.
    described = [
        data.members[member].description or f"model {place}" for place, member in enumerate(data.pool, start=1)
    ]
    count = len(data.questions)
    vectors = embed(data.models["embedder"], [*data.questions, data.dataset, *described])
    lengths = torch.tensor([[float(n) for n in data.lengths[member]] for member in data.pool]).T
    shortest, span = lengths.min(), lengths.max() - lengths.min()
    costs = (lengths - shortest) / torch.where(span > 0, span, 1.0)
    scores = torch.tensor([[number(score) for score in data.scores[member]] for member in data.pool]).T
    return Graph(vectors[:count], vectors[count], vectors[count + 1 :], torch.stack([costs, scores], 2))


def _logistic(logit: float) -> float:
    return 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))


def _save(out: Path, taken: Sequence["Checkpoint"], graph: "Graph", record: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    tensors = {_NETWORK.format(n) + name: value for n, one in enumerate(taken) for name, value in one.tensors.items()}
    tensors |= {_GRAPH + name: value for name, value in graph._asdict().items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, out / _TENSORS)
    write_json(out / _RECORD, record)


def _load(learned: Path, settings: Settings) -> tuple[list["Network"], "Graph"]:
    """The networks, one per training, and the dev graph that `learn` wrote."""
    from safetensors.torch import load_file

    from amongus.methods._graph_network import Graph, Network

    check_safetensors(learned)
    tensors = load_file(learned / _TENSORS)
    graph, networks = Graph(**_under(_GRAPH, tensors)), []
    for training in range(settings.trainings):
        network = Network(len(graph.task), settings.width)
        network.load_state_dict(_under(_NETWORK.format(training), tensors))
        networks.append(network)
    return networks, graph


def _under(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors whose name begins with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
