"""What the routers share: targets, validation, ranking, and a defence's choice between two, worked out by hand."""

from collections import Counter
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongus.core.errors import StudyError
from amongus.methods._routing import choose, merit, rank, route, split, targets
from amongus.training.settings import Routing
from teams import lesson, no_defence, task

NAN = float("nan")


def dev(pool="abc", rows=1, ties="dev", seed=1, **changes):
    """What a router with these `scores` and `rewards` learns from."""
    return lesson(pool, rows, settings=Routing(ties=ties, learning_rate=1.0), seed=seed, **changes)


def right(data, known=None):
    """Per question the member that is its target."""
    return [data.pool[place] for place in targets(data, range(len(data.ids)) if known is None else known)]


def test_of_the_members_with_the_best_score_the_one_best_on_dev_is_the_target():
    scores = {"a": [1.0, 1.0, NAN, 0.0], "b": [0.0, 1.0, 0.0, 0.0], "c": [0.0, 1.0, 0.5, -1.0]}
    rewards = {"a": [0.0] * 4, "b": [9.0] * 4, "c": [9.0] * 4}
    data = dev(rows=4, scores=scores, rewards=rewards)
    assert right(data) == ["a", "a", "c", "a"]
    # On what is learned from, b and c are better than a, and as good as one another.
    scores["a"][0], scores["b"][0], scores["c"][0] = 0.0, 1.0, 1.0
    assert right(dev(rows=4, scores=scores, rewards={**rewards, "c": [8.0] * 4}), known=[0]) == ["b", "b", "c", "b"]


def test_the_papers_target_has_the_best_score_then_the_best_reward():
    scores = {"a": [1.0, 1.0, NAN], "b": [0.0, 1.0, 0.0], "c": [0.0, 1.0, 1.0]}
    rewards = {"a": [0.0, 0.1, 0.0], "b": [9.0, 0.3, 0.0], "c": [9.0, 0.2, 0.0]}
    assert right(dev(rows=3, ties="reward", scores=scores, rewards=rewards)) == ["a", "b", "c"]


def test_the_papers_targets_that_tie_are_drawn_by_the_seed_and_the_question():
    def drawn(pool="ab", **changes):
        return right(dev(pool, 200, "reward", scores={"a": [1.0] * 200, "b": [1.0] * 200}, **changes))

    assert 60 < drawn().count("a") < 140
    assert drawn() == drawn() == drawn("ba")
    assert drawn() != drawn(seed=2)


@pytest.mark.parametrize(("other", "best"), [(0.0, "ab"), (-1.0, "a")])
def test_a_score_that_is_not_known_counts_as_zero(other, best):
    drawn = {right(dev("ab", seed=seed, scores={"a": [NAN], "b": [other]}))[0] for seed in range(30)}
    assert drawn == set(best)


def test_a_reward_that_is_not_known_counts_as_the_lowest():
    def drawn(rewards):
        return right(dev(rows=300, ties="reward", scores={m: [1.0] * 300 for m in "abc"}, rewards=rewards))

    assert set(drawn({"a": [NAN] * 300, "b": [5.0] * 300, "c": [9.0] * 300})) == {"c"}
    assert drawn({member: [NAN] * 300 for member in "abc"}) == drawn({})


def test_without_dev_questions_there_is_nothing_to_learn():
    with pytest.raises(StudyError, match="no dev questions"):
        targets(dev("ab", 0), [])


@given(count=st.integers(1, 70), trainings=st.integers(1, 12))
def test_a_fifth_validates_each_training_and_all_do_in_turn(count, trainings):
    data = dev("ab", count)
    parts = [split(data, training) for training in range(trainings)]
    for rows, validation in parts:
        assert sorted([*rows, *validation]) == list(range(count)) and rows
        assert 5 * len(validation) >= count or count == 1
        assert len(validation) <= count / 5 + 1
    times = Counter(row for _, validation in parts for row in validation)
    assert max(times.values(), default=0) - min(times[row] for row in range(count)) <= 1


def test_what_choices_are_worth_by_hand():
    data = dev("ab", 3, scores={"a": [1.0, 0.0, 1.0], "b": [0.0, 0.5, NAN]})
    score, likelihood = merit(data, [0, 1, 0], [1, 2], [[log(3), 0.0], [0.0, log(3)]])  # a, then b, are chosen.
    assert score == 0.0
    assert likelihood == pytest.approx(log(1 / 4) + log(1 / 4))
    assert merit(data, [0, 1, 0], [0], [[1.0, 0.0]])[0] == 1.0


def test_the_candidate_is_best_over_all_trainings_and_ties_go_to_the_likelier():
    assert choose([[(3.0, -1.0), (2.0, -1.0)], [(0.0, -1.0), (2.0, -1.0)]]) == 1
    assert choose([[(3.0, -1.0), (2.0, -1.0)], [(0.0, -1.0), (1.0, -2.0)]]) == 0
    assert choose([[(0.0, 0.0)] * 3]) == 2


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
