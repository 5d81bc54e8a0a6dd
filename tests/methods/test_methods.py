"""Methods with scripted members: every transcript worked out by hand."""

import pytest

import teams
from amongus.members.prompts import Template
from amongus.methods import debate, fusion, llm_router, soup
from amongus.team import Answer, Turn, user
from fakes import ScriptedEngine
from teams import mask, no_defence

PROMPTS = {
    "debate.refine": Template("{question} mine={own} others={answers}", item="{text}"),
    "debate.summary": Template("{question} final {answers}", item="{text}"),
    "llm_router.route": Template("{question} which?"),
}


AB = {"pool": "ab", "responses": {"a": ["1"], "b": ["2"]}}


def task(**changes):
    fields = {
        "settings": debate.Settings(rounds=2),
        "prompts": PROMPTS,
        "responses": {"a": ["1"], "b": ["2"], "c": ["3"]},
    }
    return teams.task(**{**fields, **changes})


ROUTER = llm_router.Settings()


class Parrot:
    """Answers `member:` and the user's words, so that a text shows who saw what."""

    def __init__(self):
        self.asked = []

    def generate(self, requests):
        self.asked.append([(r.member, r.messages[0]["content"]) for r in requests])
        return [Answer(f"{r.member}[{r.messages[0]['content']}]", 1, "stop") for r in requests]


def test_a_debate_worked_out_by_hand():
    """Seed 1 draws the order in which others are shown: b, c to a; c, a to b; b, a to c; a, b, c to the writer."""
    engine = Parrot()
    (outcome,) = debate.collaborate(task(), engine, no_defence)
    refined = {"a": "Q? mine=1 others=2\n3", "b": "Q? mine=2 others=3\n1", "c": "Q? mine=3 others=2\n1"}
    # b is the best on dev.
    summary = "Q? final a[Q? mine=1 others=2\n3]\nb[Q? mine=2 others=3\n1]\nc[Q? mine=3 others=2\n1]"
    assert engine.asked == [list(refined.items()), [("b", summary)]]
    assert outcome.turns == (
        *(Turn(0, member, "answer", text) for member, text in ("a1", "b2", "c3")),
        *(Turn(1, member, "refine", f"{member}[{text}]") for member, text in refined.items()),
        Turn(2, "b", "summary", f"b[{summary}]"),
    )
    assert (outcome.text, outcome.chosen, outcome.masked) == (f"b[{summary}]", "b", None)
    assert outcome.candidates == ("a", "b", "c")


def test_published_debate_hides_the_masked_member_from_the_others_alone():
    engine = Parrot()
    settings = debate.Settings(rounds=2, fidelity="published")
    (outcome,) = debate.collaborate(task(settings=settings), engine, mask("b"))
    refined = dict(engine.asked[0])
    assert set(refined) == {"a", "b", "c"}
    assert all("2" not in refined[member] for member in ("a", "c")) and "mine=2" in refined["b"]
    ((writer, summary),) = engine.asked[1]
    assert writer == "c" and "b[" in summary and outcome.masked == "b"


def test_debate_with_one_more_round_asks_once_more():
    engine = Parrot()
    debate.collaborate(task(settings=debate.Settings(rounds=3)), engine, no_defence)
    assert [len(batch) for batch in engine.asked] == [3, 3, 1]
    # The orders of round 2, drawn anew, are those of round 1.
    one, two, three = "a[Q? mine=1 others=2\n3]", "b[Q? mine=2 others=3\n1]", "c[Q? mine=3 others=2\n1]"
    assert engine.asked[1] == [
        ("a", f"Q? mine={one} others={two}\n{three}"),
        ("b", f"Q? mine={two} others={three}\n{one}"),
        ("c", f"Q? mine={three} others={two}\n{one}"),
    ]


@pytest.mark.parametrize("member", "bc")
def test_a_masked_member_is_not_there_and_the_best_of_the_others_writes(member):
    masked, smaller = Parrot(), Parrot()
    rest = [name for name in "abc" if name != member]
    (with_mask,) = debate.collaborate(task(), masked, mask(member))
    (without,) = debate.collaborate(task(pool=rest), smaller, no_defence)
    assert masked.asked == smaller.asked and with_mask.text == without.text
    assert with_mask.masked == member and with_mask.chosen == without.chosen


def test_a_pool_of_two_with_one_masked_still_answers():
    (outcome,) = debate.collaborate(task(**AB), Parrot(), mask("b"))
    assert outcome.text == "a[Q? final a[Q? mine=1 others=]]"


def logits(*row):
    """An engine in which these are the logits of the labels."""
    return ScriptedEngine(logits=lambda *_: row)


def test_the_router_takes_the_cached_answer_of_its_first_choice():
    engine = logits(0.0, 1.0, 3.0)
    (outcome,) = llm_router.collaborate(task(settings=ROUTER), engine, no_defence)
    assert (outcome.text, outcome.chosen, outcome.masked) == ("3", "c", None)
    assert outcome.candidates == ("c", "b")
    assert engine.asked == [("router 0 of d", user("Q? which?"), ("1", "2", "3"), "")]


def test_log_probabilities_of_all_trainings_are_averaged():
    # Of 1, 2 and 3: 2 is first for both routers on average, though 3 has the highest logits in one of them.
    rows = {"router 0 of d": (0.0, 7.0, 8.0), "router 1 of d": (9.0, 8.0, 0.0)}
    engine = ScriptedEngine(logits=lambda member, *_: rows[member])
    settings = llm_router.Settings(trainings=2)
    (outcome,) = llm_router.collaborate(task(settings=settings), engine, no_defence)
    assert outcome.candidates == ("b", "a")
    assert [member for member, *_ in engine.asked] == list(rows)


def test_a_logit_that_could_not_be_read_in_one_training_is_counted():
    rows = {"router 0 of d": (0.0, 7.0, 8.0), "router 1 of d": (9.0, float("nan"), 0.0)}
    engine = ScriptedEngine(logits=lambda member, *_: rows[member])
    (outcome,) = llm_router.collaborate(task(settings=llm_router.Settings(trainings=2)), engine, no_defence)
    assert outcome.unreadable


def test_the_routers_defence_chooses_between_the_first_two():
    seen = []

    def first(candidates, own=None):
        seen.append((candidates, own))
        return [pair[0] for pair in candidates]

    (outcome,) = llm_router.collaborate(task(settings=ROUTER), logits(0.0, 1.0, 3.0), first)
    assert (outcome.text, outcome.chosen, outcome.masked) == ("2", "b", "c")
    ((candidates, own),) = seen
    assert candidates == [["c", "b"]] and own[0] in ("b", "c")


def test_the_routers_own_doubt_is_a_fair_seeded_coin():
    many, own = teams.task(rows=400, prompts=PROMPTS, settings=ROUTER), []
    llm_router.collaborate(many, logits(0.0, 1.0, 3.0), lambda c, o=None: own.extend(o) or o)
    assert 140 < own.count("c") < 260 and set(own) == {"b", "c"}


def test_fusion_asks_the_team_without_the_masked_member():
    engine = ScriptedEngine()
    (outcome,) = fusion.collaborate(task(), engine, mask("b"))
    assert engine.asked[0].members == ("a", "c") and outcome.masked == "b" and outcome.chosen is None


def test_fusion_means_logits():
    import torch

    mean = fusion.combine(torch.tensor([[[0.0, 2.0, 4.0]], [[2.0, 0.0, 4.0]]]))
    assert mean.tolist() == [[1.0, 1.0, 4.0]]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"a": 0.5, "ab": 0.6, "abc": 0.6}, "abc"),
        ({"a": 0.5, "ab": 0.4, "ac": 0.5}, "ac"),
        ({"a": 0.5, "ab": 0.4, "ac": 0.4}, "a"),
    ],
)
def test_the_soup_keeps_what_does_not_hurt(values, kept):
    assert soup.select("abc", lambda names: values["".join(names)]) == tuple(kept)
