"""What the routers share: targets, ranking, and a defence's choice between two, worked out by hand."""

import pytest

from amongus.methods._routing import rank, route, targets
from teams import no_defence, task

NAN = float("nan")


def test_the_target_has_the_best_score_then_the_best_reward():
    scores = {"a": [1.0, 1.0, NAN], "b": [0.0, 1.0, 0.0], "c": [0.0, 1.0, 1.0]}
    rewards = {"a": [0.0, 0.1, 0.0], "b": [9.0, 0.3, 0.0], "c": [9.0, 0.2, 0.0]}
    assert targets("abc", ["0", "1", "2"], scores, rewards, 1) == ["a", "b", "c"]


def test_targets_that_tie_are_drawn_by_the_seed_and_the_question():
    ids = [str(row) for row in range(200)]
    scores = {"a": [1.0] * 200, "b": [1.0] * 200}
    drawn = targets("ab", ids, scores, {}, 1)
    assert 60 < drawn.count("a") < 140
    assert drawn == targets("ab", ids, scores, {}, 1) == targets("ba", ids, scores, {}, 1)
    assert drawn != targets("ab", ids, scores, {}, 2)


@pytest.mark.parametrize("other", [0.0, -1.0])
def test_a_score_that_is_not_known_counts_as_zero(other):
    drawn = {
        targets("ab", [str(row)], {"a": [NAN], "b": [other]}, {}, 1)[0]  # A tie with 0, better than -1.
        for row in range(30)
    }
    assert drawn == ({"a", "b"} if other == 0 else {"a"})


def test_a_reward_that_is_not_known_counts_as_the_lowest():
    ids = [str(row) for row in range(300)]
    scores = {member: [1.0] * 300 for member in "abc"}
    known = {"a": [NAN] * 300, "b": [5.0] * 300, "c": [9.0] * 300}
    assert set(targets("abc", ids, scores, known, 1)) == {"c"}
    drawn = targets("abc", ids, scores, {member: [NAN] * 300 for member in "abc"}, 1)
    assert drawn == targets("abc", ids, scores, {}, 1)


def test_a_merit_that_could_not_be_read_counts_as_the_worst_and_is_counted():
    places = rank(task(rows=300), [[0.0, NAN, 5.0]] * 300)
    assert places == [[2, 0, 1]] * 300
    assert rank(task(rows=300), [[NAN] * 3] * 300) == rank(task(rows=300), [[0.0] * 3] * 300)
    merits = [[0.0, NAN, 5.0], [0.0, 1.0, 5.0]]
    outcomes = route(task(rows=2), merits, lambda row, pair: pair[0], no_defence)
    assert [(o.chosen, o.unreadable) for o in outcomes] == [("c", True), ("c", False)]


def test_equal_merits_are_ordered_by_the_seed_not_by_the_place():
    first = [places[0] for places in rank(task(rows=300), [[1.0, 1.0, 1.0]] * 300)]
    assert all(60 < first.count(place) < 140 for place in range(3))


def test_the_first_choice_answers_unless_the_defence_masks_it():
    merits = [[1.0, 0.0, 2.0], [0.0, 2.0, 1.0], [2.0, 1.0, 0.0]]
    calls = []

    def defend(candidates, own=None):
        calls.append((candidates, own))
        return [None, "b", "b"]

    outcomes = route(task(rows=3), merits, lambda row, pair: pair[row % 2], defend)
    assert calls == [([["c", "a"], ["b", "c"], ["a", "b"]], ["c", "c", "a"])]
    assert [(o.text, o.chosen, o.masked, o.candidates) for o in outcomes] == [
        ("c0", "c", None, ("c", "a")),
        ("c1", "c", "b", ("b", "c")),
        ("a2", "a", "b", ("a", "b")),
    ]
    assert [(t.round, t.member, t.role, t.text) for t in outcomes[1].turns] == [(0, "c", "answer", "c1")]


def test_a_pool_of_one_has_nobody_to_doubt():
    lone = task(pool=("a",))
    calls = []
    (outcome,) = route(lone, [[0.0]], lambda row, pair: pair[1], lambda c, own=None: calls.append(own) or own)
    assert calls == [[None]] and (outcome.chosen, outcome.masked, outcome.candidates) == ("a", None, ("a",))
