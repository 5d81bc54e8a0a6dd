"""Graph router, API level: a small graph network learns from dev which member should answer a question.

GraphRouter (Feng et al. 2025) as in Among Us, section 3 (API-level collaboration). The label of a dev question is
that of the LLM router. At test the members are ranked by the network; the first member's cached response is the
answer. A defence chooses between the first two; the router itself doubts the first where they are nearly even.
"""

from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, NonNegativeFloat, PositiveInt

from amongus.core.errors import StudyError
from amongus.core.hashing import derive
from amongus.core.json_files import read_record, write_json
from amongus.members.embeddings import embed
from amongus.members.member import check_safetensors
from amongus.methods._routing import number, route, targets
from amongus.study.settings import Strict
from amongus.team import Defend, Engine, LearnInput, Outcome, Task
from amongus.training.settings import Epochs, LearningRate

if TYPE_CHECKING:
    from amongus.methods._graph_network import Graph, Network

LEVEL = "api"
LEARNS = "router"
LEARNING_NEEDS = ("rewards", "lengths")
MODELS = ("embedder",)

_RECORD = "router.json"
_TENSORS = "router.safetensors"
_GRAPH = "dev."
_NETWORK = "network."


class Settings(Strict):
    """The network that routes, and its training."""

    embedder: str = Field(description="The model of `models` that embeds texts.")
    width: PositiveInt = Field(16, description="Of the nodes' states.")
    learning_rate: LearningRate = 1e-4
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
    from amongus.methods._graph_network import fit, split  # Imports torch.

    if not data.ids:
        raise StudyError(f"{data.dataset}: no dev questions for the graph router to learn from; raise its `dev`")
    pool = list(data.pool)
    graph = dev_graph(data)
    best = targets(pool, data.ids, data.scores, data.rewards, data.seed)
    order = sorted(range(len(data.ids)), key=lambda row: derive(data.seed, "graph_router.split", data.ids[row]))
    seed = derive(data.seed, "graph_router", data.dataset, pool)
    network, metrics = fit(graph, [pool.index(member) for member in best], split(order), data.settings, seed)
    _save(out, network, graph, {"pool": pool, "dataset": data.dataset, "metrics": metrics})


def collaborate(task: Task[Settings], engine: Engine, defend: Defend) -> list[Outcome]:
    """Route every question to one member; under a defence to one of the first two. `engine` is not used."""
    from amongus.methods._graph_network import route_scores

    assert task.learned, "the rule train_router has filled a folder"
    logits = route_scores(*_load(task.learned), embed(task.models["embedder"], task.questions))

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


def _save(out: Path, network: "Network", graph: "Graph", record: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    tensors = {_NETWORK + name: value for name, value in network.state_dict().items()}
    tensors |= {_GRAPH + name: value for name, value in graph._asdict().items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, out / _TENSORS)
    sizes = {"questions": len(graph.questions), "embedding": len(graph.task), "width": network.width}
    write_json(out / _RECORD, {**record, "sizes": sizes})


def _load(learned: Path) -> tuple["Network", "Graph"]:
    """The network and the dev graph that `learn` wrote."""
    from safetensors.torch import load_file

    from amongus.methods._graph_network import Graph, Network

    check_safetensors(learned)
    sizes = read_record(learned, _RECORD)["sizes"]
    tensors = load_file(learned / _TENSORS)
    network = Network(sizes["embedding"], sizes["width"])
    network.load_state_dict(_under(_NETWORK, tensors))
    return network, Graph(**_under(_GRAPH, tensors))


def _under(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors whose name begins with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
