"""The graph router's network and its training (GraphRouter, Feng et al. 2025; Among Us, section 3).

Questions and members are the two sides of a bipartite graph; an edge is what a member did on a question (cost,
score). The network learns which edges join a question to the member that answers it best.
"""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch_geometric.nn import GeneralConv

EDGE_FEATURES = 2


class Graph(NamedTuple):
    """n questions, m members, and every member's answer to every question. All float32.

    Attributes:
        questions: embeddings of the questions, [n, d].
        task: embedding of the task, [d].
        members: embeddings of the members' descriptions, [m, d].
        edges: cost (0 to 1 within the dataset) and score of each answer, [n, m, 2].
    """

    questions: Tensor
    task: Tensor
    members: Tensor
    edges: Tensor


class Split(NamedTuple):
    """Rows of the dev questions: learned from, for choosing the checkpoint, and held out."""

    train: Sequence[int]
    validation: Sequence[int]
    held_out: Sequence[int]


def split(order: Sequence[int]) -> Split:
    """80/10/10 of the rows in `order`; each part at least one row where there are enough, training first."""
    tenth = max(1, len(order) // 10)
    validation = min(tenth, len(order) - 1)
    held_out = min(tenth, len(order) - 1 - validation)
    train = len(order) - validation - held_out
    return Split(order[:train], order[train : train + validation], order[train + validation :])


def standard(embeddings: Tensor, reference: Tensor) -> Tensor:
    """`embeddings` minus the mean of `reference`, in units of its spread; each [any, d].

    Sentence embeddings share most of their direction and have coordinates near zero: without this the network
    learned almost nothing at the paper's learning rate.
    """
    mean = reference.mean(0)
    spread = (reference - mean).square().mean().sqrt()
    return (embeddings - mean) / torch.where(spread > 0, spread, 1.0)


def standardised(graph: Graph) -> Graph:
    """`graph` with embeddings that the network can learn from: coordinates of size one, on average."""
    return graph._replace(
        questions=standard(graph.questions, graph.questions),
        task=graph.task * len(graph.task) ** 0.5,
        members=standard(graph.members, graph.members),
    )


class Network(nn.Module):
    """Two GeneralConv layers over embeddings of d = `size` numbers, projected to states of `width` numbers.

    An edge's logit is the scalar product of its two nodes' states.
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.asked = nn.Linear(2 * size, width)
        self.described = nn.Linear(size, width)
        # A mean, not a sum: a member has twice as many visible edges in use as in training.
        self.first = GeneralConv(width, width, in_edge_channels=EDGE_FEATURES, aggr="mean")
        self.second = GeneralConv(width, width, in_edge_channels=EDGE_FEATURES, aggr="mean")

    def forward(self, graph: Graph, questions: Tensor, seen: Tensor) -> Tensor:
        """Logits of all edges in each of c copies of the graph, [c, q, m].

        Args:
            graph: whose edges are seen, and its members.
            questions: embeddings of the question nodes, [q, d]; the first n are the graph's.
            seen: per copy the visible edges, numbered row by row in the graph, [c, e].
        """
        task = graph.task.expand(len(questions), -1)
        nodes = torch.cat([self.asked(torch.cat([questions, task], 1)), self.described(graph.members)])
        ends, features = _messages(graph, len(questions), seen)
        states = nodes.repeat(len(seen), 1)
        states = self.first(states, ends, features).relu()
        states = self.second(states, ends, features).view(len(seen), *nodes.shape)
        return states[:, : len(questions)] @ states[:, len(questions) :].transpose(1, 2)


def _messages(graph: Graph, questions: int, seen: Tensor) -> tuple[Tensor, Tensor]:
    """The visible edges in both directions over the nodes of all copies, [2, 2ce], and their features, [2ce, 2]."""
    members = len(graph.members)
    first = torch.arange(len(seen)).unsqueeze(1) * (questions + members)
    question = (first + seen // members).flatten()
    member = (first + questions + seen % members).flatten()
    ends = torch.stack([torch.cat([question, member]), torch.cat([member, question])])
    return ends, graph.edges.view(-1, EDGE_FEATURES)[seen.flatten()].repeat(2, 1)


def fit(graph: Graph, best: Sequence[int], parts: Split, settings: Any, seed: int) -> tuple[Network, dict[str, Any]]:
    """Train a network, and measure it.

    Each step sees `halves` random halves of the training edges, as copies of one graph, and predicts the other
    halves. The checkpoint is the one with the best macro-F1 on validation, ties by validation loss; without
    validation questions the last.

    Args:
        graph: the dev graph.
        best: per question the place of the member that should answer it.
        parts: rows of the dev questions.
        settings: `graph_router.Settings`.
        seed: of the weights and the halves.

    Returns:
        The network, the epoch it was taken from, and per part the number of questions and the macro-F1 (None for none).
    """
    ready = standardised(graph)
    train = list(parts.train)
    known = ready._replace(questions=ready.questions[train], edges=ready.edges[train])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(graph.questions.shape[1], settings.width)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    generator = torch.Generator().manual_seed(seed)
    labels = _labels([best[row] for row in train], len(known.members))
    kept, merit, taken = deepcopy(network.state_dict()), (-1.0, 0.0), 0
    for epoch in range(1, settings.epochs + 1):
        seen = halves(labels.numel(), settings.halves, generator)
        loss = hidden_loss(network(known, known.questions, seen), labels, seen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        now = _validate(network, known, ready, best, parts.validation)
        if now >= merit:
            kept, merit, taken = deepcopy(network.state_dict()), now, epoch
    network.load_state_dict(kept)
    metrics: dict[str, Any] = {"epoch": taken}
    for name, part in parts._asdict().items():
        f1 = _validate(network, known, ready, best, part)[0] if part else None
        metrics[name] = {"questions": len(part), "macro_f1": f1}
    return network, metrics


def halves(edges: int, copies: int, generator: torch.Generator) -> Tensor:
    """The visible edges of each copy, a random half of all, [copies, e]."""
    return torch.rand(copies, edges, generator=generator).argsort(1)[:, : edges // 2]


def hidden_loss(logits: Tensor, labels: Tensor, seen: Tensor) -> Tensor:
    """The mean binary cross-entropy of `logits` [c, q, m] over the edges that are not in `seen` [c, e].

    `labels` [q, m] are 1 where the member is the question's best, else 0.
    """
    hidden = torch.ones(len(logits), labels.numel()).scatter_(1, seen, 0.0).view_as(logits)
    return bce(logits, labels.expand_as(logits), hidden, reduction="sum") / hidden.sum()


def _labels(best: Sequence[int], members: int) -> Tensor:
    return nn.functional.one_hot(torch.tensor(best), members).float()


def _validate(
    network: Network, known: Graph, ready: Graph, best: Sequence[int], rows: Sequence[int]
) -> tuple[float, float]:
    """Macro-F1 and minus the loss on `rows`, whose edges are unseen; the same for any network without rows."""
    if not rows:
        return (0.0, 0.0)
    logits = scores(network, known, ready.questions[list(rows)])
    right = [best[row] for row in rows]
    loss = bce(logits, _labels(right, logits.shape[1]))
    return macro_f1(right, logits.argmax(1).tolist()), -loss.item()


@torch.no_grad()
def scores(network: Network, known: Graph, questions: Tensor) -> Tensor:
    """Logits of questions [q, d] without visible edges against every member, [q, m]; all edges of `known` are visible.

    The graph and the questions' embeddings are standardised alike.
    """
    count = len(known.questions)
    seen = torch.arange(count * len(known.members)).unsqueeze(0)
    return network(known, torch.cat([known.questions, questions]), seen)[0, count:]


def macro_f1(right: Sequence[int], predicted: Sequence[int]) -> float:
    """The F1 of each class that occurs in either, averaged over these classes."""
    hits = Counter(r for r, p in zip(right, predicted, strict=True) if r == p)
    sizes = Counter(right) + Counter(predicted)
    return sum(2 * hits[name] / size for name, size in sizes.items()) / len(sizes)


def route_scores(network: Network, dev: Graph, questions: Tensor) -> list[list[float]]:
    """Logits of test questions against every member, all dev edges being visible.

    `dev` is the graph that `fit` got, `questions` are embeddings [q, d]. In float64 and rounded, so that a question's
    numbers do not depend on which others are routed with it.
    """
    known = Graph(*(tensor.double() for tensor in dev))
    logits = scores(deepcopy(network).double(), standardised(known), standard(questions.double(), known.questions))
    return [[round(value, 9) for value in row] for row in logits.tolist()]
