"""The graph router in a world small enough to know the answer, with scripted embeddings."""

import json
from statistics import stdev

import pytest
import torch
from torch_geometric.nn import GeneralConv

import teams
from amongus.members.member import Member
from amongus.methods import _graph_network, graph_router
from teams import no_defence

SIZE = 16
FAST = graph_router.Settings(embedder="base", learning_rate=0.01, epochs=60, halves=8)
NAN = float("nan")


def vector(text):
    """A unit vector: apples point one way, bears the other, and every text has a little of its own."""
    seed = torch.Generator().manual_seed(sum(text.encode()))
    own = torch.randn(SIZE, generator=seed)
    own[0] += 6.0 * (text.count("apple") - text.count("bear"))
    own[1] += 12.0  # What all texts share.
    return own / own.norm()


@pytest.fixture(autouse=True)
def scripted(monkeypatch):
    monkeypatch.setattr(graph_router, "embed", lambda folder, texts: torch.stack([vector(t) for t in texts]))


def questions(count):
    return [f"{('apple', 'bear')[row % 2]} {row}" for row in range(count)]


def lesson(count=40, pool="ab", settings=FAST, **changes):
    """`a` knows apples, `b` bears, further members nothing."""
    right = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    fields = {
        "settings": settings,
        "questions": questions(count),
        "scores": {m: [right.get(m, [0.0, 0.0])[row % 2] for row in range(count)] for m in pool},
        "lengths": {m: [5 + row % 3 for row in range(count)] for m in pool},
        "models": {"embedder": "folder"},
    }
    members = {m: Member(m, "base", description=f"model of {m}") for m in pool}
    return teams.lesson(members, count, **{**fields, **changes})


def task(learned, count=20, pool="ab", **changes):
    texts = [f"{text} anew" for text in questions(count)]
    fields = {"settings": FAST, "questions": texts, "models": {"embedder": "folder"}, "learned": learned}
    return teams.task(pool, count, **{**fields, **changes})


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("router")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_router, "embed", lambda _, texts: torch.stack([vector(t) for t in texts]))
        graph_router.learn(lesson(pool="abc"), folder)
    return folder


@pytest.fixture
def trio(learned):
    return task(learned, pool="abc")


def doubts(one):
    """What the router would mask itself, and its pairs."""
    seen = []
    graph_router.collaborate(one, None, lambda pairs, own=None: seen.append((pairs, own)) or [None] * len(pairs))
    return seen[0]


def test_apples_go_to_a_and_bears_to_b(trio):
    outcomes = graph_router.collaborate(trio, None, no_defence)
    assert [o.chosen for o in outcomes] == ["a", "b"] * 10
    assert [o.text for o in outcomes[:3]] == ["a0", "b1", "a2"]
    assert all(o.masked is None and o.candidates[0] == o.chosen for o in outcomes)


def test_every_answer_is_the_same_in_another_order_and_alone(trio):
    def answers(rows):
        part = task(
            trio.learned,
            pool=trio.pool,
            ids=[trio.ids[row] for row in rows],
            questions=[trio.questions[row] for row in rows],
            responses={m: [texts[row] for row in rows] for m, texts in trio.responses.items()},
        )
        return [(o.text, o.candidates) for o in graph_router.collaborate(part, None, no_defence)]

    forward = answers(range(20))
    assert answers(range(19, -1, -1)) == forward[::-1]
    assert [answers([row])[0] for row in range(20)] == forward


@pytest.mark.parametrize(
    ("logits", "margin", "pair", "masked"),
    [
        ([2.0, 1.0, -3.0], 0.001, ["a", "b"], "b"),  # .881 and .731: the first is kept.
        ([0.0, 0.003, -3.0], 0.001, ["b", "a"], "b"),  # .50075 and .5: .00075 apart, the second is taken.
        ([0.0, 0.005, -3.0], 0.001, ["b", "a"], "a"),  # .00125 apart.
        ([2.0, 1.0, -3.0], 0.2, ["a", "b"], "a"),
        ([800.0, -800.0, -900.0], 0.001, ["a", "b"], "b"),
    ],
)
def test_only_a_narrow_margin_makes_the_router_doubt_its_first_choice(trio, monkeypatch, logits, margin, pair, masked):
    monkeypatch.setattr(_graph_network, "route_scores", lambda *_: [logits] * 20)
    pairs, own = doubts(task(trio.learned, pool=trio.pool, settings=FAST.model_copy(update={"margin": margin})))
    assert pairs == [pair] * 20 and own == [masked] * 20


def test_the_same_lesson_gives_the_same_bytes(tmp_path):
    files = []
    for name, noise in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        torch.manual_seed(noise)  # Whatever else drew random numbers must not matter.
        before = torch.get_rng_state()
        graph_router.learn(lesson(12, settings=FAST.model_copy(update={"epochs": 5})), tmp_path / name)
        assert torch.equal(before, torch.get_rng_state())
        files.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert files[0] == files[1]
    assert set(files[0]) == {"router.json", "router.safetensors"}


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
def test_a_handful_of_dev_questions_is_enough_to_run(tmp_path, count):
    graph_router.learn(lesson(count, settings=FAST.model_copy(update={"epochs": 3})), tmp_path)
    assert len(graph_router.collaborate(task(tmp_path), None, no_defence)) == 20


def test_the_rate_that_learns_is_taken_and_the_networks_of_all_trainings_answer(tmp_path):
    settings = FAST.model_copy(update={"learning_rate": (1e-9, 0.01), "trainings": 3})
    graph_router.learn(lesson(settings=settings), tmp_path)
    record = json.loads((tmp_path / "router.json").read_text())
    assert record["learning_rate"] == 0.01 and len(record["validation"]) == 3
    part = task(tmp_path, settings=settings)
    outcomes = graph_router.collaborate(part, None, no_defence)
    assert [o.chosen for o in outcomes] == ["a", "b"] * 10


def test_logits_are_averaged_over_trainings(tmp_path, monkeypatch):
    settings = FAST.model_copy(update={"trainings": 2, "epochs": 2})
    graph_router.learn(lesson(settings=settings), tmp_path)
    each = iter([[[1.0, 0.0]] * 20, [[0.0, 3.0]] * 20])  # a by .5 and b by 1.5
    monkeypatch.setattr(_graph_network, "route_scores", lambda *_: next(each))
    assert {o.chosen for o in graph_router.collaborate(task(tmp_path, settings=settings), None, no_defence)} == {"b"}


def world(rows, seed, always):
    """Embeddings of questions, and the scores of five members.

    Half of the questions are common knowledge. Of the others each member knows a third, and the third member also 80 %,
    or all (`always`).
    """
    draw = torch.Generator().manual_seed(seed)
    common, known = torch.rand(rows, 1, generator=draw) < 0.5, torch.rand(rows, 5, generator=draw) < 0.35
    known[:, 2] |= torch.rand(rows, generator=draw) < (1.0 if always else 0.8)
    return torch.randn(rows, SIZE, generator=draw), (common | known).float()


@pytest.mark.parametrize("always", [True, False])
def test_the_best_on_dev_is_asked_and_reseeding_the_router_hardly_matters(tmp_path, monkeypatch, always):
    pool, settings = "abcde", {"learning_rate": (1e-3, 5e-3), "trainings": 3, "epochs": 60, "halves": 4}
    settings = graph_router.Settings(embedder="base", **settings)
    (seen, dev), (unseen, test) = world(60, 1, always), world(200, 2, always)
    names = {f"{part} {row}": one for part, own in (("dev", seen), ("test", unseen)) for row, one in enumerate(own)}
    embedded = {**names, "d": torch.ones(SIZE)} | {f"model of {m}": vector(m) for m in pool}
    monkeypatch.setattr(graph_router, "embed", lambda _, texts: torch.stack([embedded[text] for text in texts]))
    rewards = dict(zip(pool, dev.T.tolist(), strict=True))  # All right answers are the same text.
    scores = []
    for seed in range(3):
        data = lesson(60, pool, settings, scores=rewards, rewards=rewards, questions=list(names)[:60], seed=seed)
        (folder := tmp_path / str(seed)).mkdir()
        graph_router.learn(data, folder)
        team = task(folder, 200, pool, settings=settings, questions=list(names)[60:], seed=seed)
        places = [pool.index(o.chosen) for o in graph_router.collaborate(team, None, no_defence)]
        scores.append(100 * test[range(200), places].mean().item())
        assert places.count(2) >= (180 if always else 150)
    assert stdev(scores) < 2


def test_the_dev_graph_holds_costs_within_the_dataset_and_known_scores():
    scores = {"a": [1.0, NAN, 0.5], "b": [0.0, 1.0, NAN]}
    lengths = {"a": [10, 20, 30], "b": [15, 10, 20]}
    made = graph_router.dev_graph(lesson(3, scores=scores, lengths=lengths))
    assert made.edges[:, :, 0].tolist() == [[0.0, 0.25], [0.5, 0.0], [1.0, 0.5]]
    assert made.edges[:, :, 1].tolist() == [[1.0, 0.0], [0.0, 1.0], [0.5, 0.0]]
    assert torch.equal(made.questions[1], vector("bear 1"))
    assert torch.equal(made.task, vector("d"))
    assert torch.equal(made.members[1], vector("model of b"))


def test_equal_lengths_cost_nothing_and_a_member_needs_no_description():
    bare = {m: Member(m, "base") for m in "ab"}
    made = graph_router.dev_graph(lesson(3, lengths={"a": [7] * 3, "b": [7] * 3}, members=bare))
    assert made.edges[:, :, 0].eq(0).all()
    assert torch.equal(made.members[0], vector("model 1"))


def test_a_lesson_full_of_unknown_scores_is_learned(tmp_path):
    blank = lesson(12, scores={m: [NAN] * 12 for m in "ab"}, settings=FAST.model_copy(update={"epochs": 3}))
    graph_router.learn(blank, tmp_path)
    assert {o.chosen for o in graph_router.collaborate(task(tmp_path), None, no_defence)} <= {"a", "b"}


def test_visible_and_predicted_halves_are_disjoint_and_differ_between_copies():
    seen = _graph_network.halves(torch.zeros(5, 3, 2), 32, torch.Generator().manual_seed(1))
    assert seen.shape == (32, 5, 3) and set(seen.flatten().tolist()) == {0.0, 1.0}
    assert seen.sum((1, 2)).eq(7).all()
    assert len({tuple(copy.flatten().tolist()) for copy in seen}) > 20


def test_the_loss_is_over_the_hidden_edges_alone():
    logits = torch.tensor([[[50.0, 0.0]], [[0.0, 50.0]]])  # Wrong by 50 where visible, undecided where not.
    labels = torch.tensor([[0.0, 0.0]])
    for seen, loss in (([[[1.0, 0.0]], [[0.0, 1.0]]], 0.693147), ([[[0.0, 1.0]], [[1.0, 0.0]]], 50.0)):
        found = _graph_network.hidden_loss(logits, labels, torch.tensor(seen)).item()
        assert found == pytest.approx(loss, abs=1e-6)


def test_a_layer_is_a_general_convolution():
    torch.manual_seed(0)
    layer, published = _graph_network.Layer(4), GeneralConv(4, 4, in_edge_channels=2, aggr="mean")
    with torch.no_grad():
        for own, theirs in ((layer.state, published.lin_msg), (layer.edge, published.lin_edge)):
            theirs.weight.copy_(own.weight)
        published.lin_msg.bias.copy_(layer.state.bias)
        published.lin_edge.bias.zero_()
    questions, members, edges = torch.randn(6, 4), torch.randn(3, 4), torch.randn(6, 3, 2)
    seen = (torch.rand(1, 6, 3) < 0.5).float()
    seen[0, 2] = 0.0  # A question without visible edges.
    found = torch.cat([side[0] for side in layer(questions[None], members[None], edges, seen)])
    asked, member = seen[0].nonzero(as_tuple=True)
    ends = torch.stack([torch.cat([asked, member + 6]), torch.cat([member + 6, asked])])
    wanted = published(torch.cat([questions, members]), ends, edges[asked, member].repeat(2, 1))
    assert torch.allclose(found, wanted, atol=1e-6)


def test_copies_see_their_own_edges_alone():
    torch.manual_seed(0)
    network = _graph_network.Network(4, 3)
    one = _graph_network.Graph(torch.randn(3, 4), torch.randn(4), torch.randn(2, 4), torch.rand(3, 2, 2))
    seen = _graph_network.halves(one.edges, 5, torch.Generator().manual_seed(1))
    together = network(one, one.questions, seen)
    alone = torch.cat([network(one, one.questions, copy[None]) for copy in seen])
    assert together.shape == (5, 3, 2)
    assert torch.allclose(together, alone, atol=1e-6) and not torch.allclose(alone[0], alone[1], atol=1e-3)


@pytest.mark.parametrize(
    ("changed", "place", "moved"),
    [
        ("questions", 2, {(0, 0), (1, 0), (2, 0), (2, 1)}),  # It tells the first member, and its own logits.
        ("members", 0, {(0, 0), (1, 0), (2, 0), (2, 1)}),  # It tells question 2.
        ("edges", (2, 0), {(0, 0), (1, 0), (2, 0), (2, 1)}),
        ("edges", (0, 1), set()),  # Not visible.
    ],
)
def test_visible_edges_carry_messages_both_ways_with_their_own_features(changed, place, moved):
    torch.manual_seed(0)
    network = _graph_network.Network(4, 8)
    parts = {"questions": torch.randn(3, 4), "task": torch.randn(4), "members": torch.randn(2, 4)}
    one = _graph_network.Graph(**parts, edges=torch.rand(3, 2, 2))
    seen = torch.zeros(1, 3, 2)
    seen[0, 2, 0] = 1.0
    before = network(one, one.questions, seen)[0]
    getattr(one, changed)[place] += 1.0
    after = network(one, one.questions, seen)[0]
    assert {(q, m) for q in range(3) for m in range(2) if not torch.equal(before[q, m], after[q, m])} == moved
