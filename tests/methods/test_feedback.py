"""Feedback with scripted members: every transcript worked out by hand."""

import pytest

import teams
from amongus.members.prompts import Template
from amongus.methods import feedback
from amongus.team import Answer, Request, Turn
from teams import mask, no_defence

PROMPTS = {
    "feedback.criticise": Template("what of it?"),
    "feedback.refine": Template("they say {answers}", item="{text}"),
    "debate.summary": Template("{question} final {answers}", item="{text}"),
}
THREE = {"a": ["1"], "b": ["2"], "c": ["3"]}


def task(pool="abc", **settings):
    responses = {member: THREE[member] for member in pool}
    settings = feedback.Settings(**{"rounds": 2, **settings})
    return teams.task(pool, settings=settings, prompts=PROMPTS, responses=responses)


class Players:
    """Critics say who they are and what they saw; authors add a stroke to their answer."""

    def __init__(self):
        self.batches = []

    def generate(self, requests):
        self.batches.append(requests)
        return [Answer(self.say(request), 1, "stop") for request in requests]

    def say(self, request):
        texts = [message["content"] for message in request.messages]
        if len(texts) == 1:
            return f"{request.member}: {texts[0]}"
        return f"{request.member} on {texts[1]}" if texts[2] == "what of it?" else f"{texts[1]}'"


def test_a_feedback_worked_out_by_hand():
    """Seed 1 draws the critics' order: b, c of a; a, c of b; b, a of c; and a, b, c to the writer."""
    engine = Players()
    (outcome,) = feedback.collaborate(task(), engine, no_defence)
    critics = ("b1a", "c1a", "a2b", "c2b", "b3c", "a3c")
    assert outcome.turns == (
        *(Turn(0, member, "answer", text) for member, text in ("a1", "b2", "c3")),
        *(Turn(1, critic, f"criticise {author}", f"{critic} on {text}") for critic, text, author in critics),
        *(Turn(1, member, "refine", f"{text}'") for member, text in ("a1", "b2", "c3")),
        Turn(2, "b", "summary", "b: Q? final 1'\n2'\n3'"),  # b is the best on dev.
    )
    assert (outcome.text, outcome.chosen, outcome.masked) == ("b: Q? final 1'\n2'\n3'", "b", None)

    def turns(*contents):
        roles = ("user", "assistant", "user")
        return tuple({"role": role, "content": text} for role, text in zip(roles, contents, strict=False))

    assert engine.batches == [
        [Request(critic, turns("Q?", text, "what of it?")) for critic, text, _ in critics],
        [
            Request("a", turns("Q?", "1", "they say b on 1\nc on 1")),
            Request("b", turns("Q?", "2", "they say a on 2\nc on 2")),
            Request("c", turns("Q?", "3", "they say b on 3\na on 3")),
        ],
        [Request("b", turns("Q? final 1'\n2'\n3'"))],
    ]


def test_three_rounds_criticise_twice():
    engine = Players()
    (outcome,) = feedback.collaborate(task("ab", rounds=3), engine, no_defence)
    assert [len(batch) for batch in engine.batches] == [2, 2, 2, 2, 1]
    assert Turn(2, "b", "criticise a", "b on 1'") in outcome.turns
    assert Turn(2, "a", "refine", "1''") in outcome.turns


def test_at_most_so_many_critics_drawn_by_the_seed():
    one = Players()
    feedback.collaborate(task(critics=1), one, no_defence)
    # Of each author the first of the critics above.
    assert [request.member for request in one.batches[0]] == ["b", "a", "b"] and len(one.batches[1]) == 3
    again = Players()
    feedback.collaborate(task(critics=1), again, no_defence)
    assert one.batches == again.batches


@pytest.mark.parametrize("member", "bc")
def test_masking_equals_the_pool_without_that_member(member):
    masked, smaller = Players(), Players()
    (with_mask,) = feedback.collaborate(task(), masked, mask(member))
    (without,) = feedback.collaborate(task("abc".replace(member, "")), smaller, no_defence)
    assert masked.batches == smaller.batches and with_mask.text == without.text
    assert with_mask.masked == member and with_mask.chosen == without.chosen


def test_one_alone_keeps_its_answer_and_concludes():
    (outcome,) = feedback.collaborate(task("ab"), Players(), mask("b"))
    assert outcome.text == "a: Q? final 1"


def test_published_masks_the_critic_and_its_summary_drops_the_worst_on_dev():
    engine = Players()
    (outcome,) = feedback.collaborate(task(fidelity="published"), engine, mask("c"))
    criticised, refined, summed = engine.batches
    assert all(request.member != "c" for request in criticised)
    assert {request.member for request in refined} == {"a", "b", "c"}
    assert "3'" in summed[0].messages[0]["content"] and "1'" not in summed[0].messages[0]["content"]
    assert outcome.masked == "c"
