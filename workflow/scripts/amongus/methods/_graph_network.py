"""The graph router's network and its training (GraphRouter, Feng et al. 2025; Among Us, section 3).

Questions and members are the two sides of a bipartite graph; an edge is what a member did on a question (cost,
score). The network learns which edges join a question to the member that should answer it.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import one_hot, pad

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


class Layer(nn.Module):
    """A general convolution (You, Ying and Leskovec 2020) over a bipartite graph.

    A node's state is added to the mean, over its visible edges, of a linear map of the other end's state plus a linear
    map of the edge's features. A mean, not a sum: a member has twice as many visible edges in use as in training.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.state, self.edge = nn.Linear(width, width), nn.Linear(EDGE_FEATURES, width, bias=False)

    def forward(self, asked: Tensor, members: Tensor, edges: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """New states of questions [c, q, w] and members [c, m, w] by features [q, m, 2] and visible edges [c, q, m]."""
        to_asked, to_members = (seen / seen.sum(side, keepdim=True).clamp(min=1) for side in (2, 1))
        told = to_asked @ self.state(members) + self.edge(torch.einsum("cqm,qme->cqe", to_asked, edges))
        heard = to_members.mT @ self.state(asked) + self.edge(torch.einsum("cqm,qme->cme", to_members, edges))
        return asked + told, members + heard


class Network(nn.Module):
    """Two layers over embeddings of d = `size` numbers, projected to states of `width` numbers.

    An edge's logit is the scalar product of its two nodes' states.
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.asked = nn.Linear(2 * size, width)
        self.described = nn.Linear(size, width)
        self.first, self.second = Layer(width), Layer(width)

    def forward(self, graph: Graph, questions: Tensor, seen: Tensor) -> Tensor:
        """Logits of all edges in each of c copies of the graph, [c, q, m].

        Args:
            graph: whose edges are seen, and its members.
            questions: embeddings of the question nodes, [q, d]; the first n are the graph's.
            seen: per copy which edges of the graph are visible, 1 or 0, [c, n, m].
        """
        further = len(questions) - len(graph.questions)
        edges, seen = pad(graph.edges, (0, 0, 0, 0, 0, further)), pad(seen, (0, 0, 0, further))
        asked = self.asked(torch.cat([questions, graph.task.expand(len(questions), -1)], 1))
        states = self.first(asked, self.described(graph.members), edges, seen)
        asked, members = self.second(*(side.relu() for side in states), edges, seen)
        return asked @ members.transpose(1, 2)


class Checkpoint(NamedTuple):
    """A network after `epoch` passes, and its logits of the validation questions, [v][m]."""

    learning_rate: float
    epoch: int
    tensors: Mapping[str, Tensor]
    logits: list[list[float]]


def fit(
    graph: Graph,
    targets: Sequence[int],
    split: tuple[Sequence[int], Sequence[int]],
    settings: Any,
    learning_rate: float,
    seed: int,
) -> list[Checkpoint]:
    """Train a network, and keep it after each tenth of the epochs.

    Each step sees `halves` random halves of the training edges, as copies of one graph, and predicts the other
    halves.

    Args:
        graph: the dev graph.
        targets: per question the place of the member that should answer it.
        split: rows of the dev questions, to learn from and to validate on.
        settings: `graph_router.Settings`.
        learning_rate: one of theirs.
        seed: of the weights and the halves.
    """
    ready, (train, validation) = standardised(graph), map(list, split)
    known = ready._replace(questions=ready.questions[train], edges=ready.edges[train])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(graph.questions.shape[1], settings.width)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=settings.weight_decay)
    generator = torch.Generator().manual_seed(seed)
    labels = one_hot(torch.tensor([targets[row] for row in train]), len(known.members)).float()
    kept = []
    for epoch in range(1, settings.epochs + 1):
        seen = halves(known.edges, settings.halves, generator)
        loss = hidden_loss(network(known, known.questions, seen), labels, seen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % max(1, settings.epochs // 10) == 0 or epoch == settings.epochs:
            logits = scores(network, known, ready.questions[validation]).tolist()
            kept.append(Checkpoint(learning_rate, epoch, deepcopy(network.state_dict()), logits))
    return kept


def halves(edges: Tensor, copies: int, generator: torch.Generator) -> Tensor:
    """Per copy 1 for a random half of the edges [n, m, any], which are visible, else 0: [c, n, m]."""
    count = edges.shape[0] * edges.shape[1]
    places = torch.rand(copies, count, generator=generator).argsort(1)[:, : count // 2]
    return torch.zeros(copies, count).scatter_(1, places, 1.0).view(copies, *edges.shape[:2])


def hidden_loss(logits: Tensor, labels: Tensor, seen: Tensor) -> Tensor:
    """The mean binary cross-entropy of `logits` [c, q, m] over the edges that are not in `seen` [c, q, m].

    `labels` [q, m] are 1 where the member should answer the question, else 0.
    """
    hidden = 1 - seen
    return bce(logits, labels.expand_as(logits), hidden, reduction="sum") / hidden.sum()


@torch.no_grad()
def scores(network: Network, known: Graph, questions: Tensor) -> Tensor:
    """Logits of questions [q, d] without visible edges against every member, [q, m]; all edges of `known` are visible.

    The graph and the questions' embeddings are standardised alike.
    """
    every = torch.ones_like(known.edges[:, :, 0]).unsqueeze(0)
    return network(known, torch.cat([known.questions, questions]), every)[0, len(known.questions) :]


def route_scores(network: Network, dev: Graph, questions: Tensor) -> list[list[float]]:
    """Logits of test questions against every member, all dev edges being visible.

    `dev` is the graph that `fit` got, `questions` are embeddings [q, d]. In float64 and rounded, so that a question's
    numbers do not depend on which others are routed with it.
    """
    known = Graph(*(tensor.double() for tensor in dev))
    logits = scores(deepcopy(network).double(), standardised(known), standard(questions.double(), known.questions))
    return [[round(value, 9) for value in row] for row in logits.tolist()]
