"""Feedback with scripted members: every transcript worked out by hand."""

from amongus.members.prompts import Template
from amongus.methods import feedback
from amongus.team import Answer, Task, Turn

PROMPTS = {
    "feedback.criticise": Template("what of it?"),
    "feedback.refine": Template("they say {answers}", item="{text}"),
    "debate.summary": Template("{question} final {answers}", item="{text}"),
}
THREE = {"a": ["1"], "b": ["2"], "c": ["3"]}


def task(pool="abc", **settings):
    return Task(
        pool=tuple(pool),
        dataset="d",
        seed=1,
        settings=feedback.Settings(**{"rounds": 2, **settings}),
        prompts=PROMPTS,
        ids=["d/test/0"],
        questions=["Q?"],
        responses={member: THREE[member] for member in pool},
        dev={member: score for member, score in {"a": 0.2, "b": 0.9, "c": 0.5}.items() if member in pool},
    )


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


def nobody(candidates, own=None):
    return [None] * len(candidates)


def mask(*names):
    return lambda candidates, own=None: list(names)


def test_a_feedback_worked_out_by_hand():
    """Seed 1 draws the critics' order: b, c of a; a, c of b; b, a of c; and a, b, c to the writer."""
    engine = Players()
    (outcome,) = feedback.collaborate(task(), engine, nobody)
    assert outcome.turns == (
        Turn(0, "a", "answer", "1"),
        Turn(0, "b", "answer", "2"),
        Turn(0, "c", "answer", "3"),
        Turn(1, "b", "criticise a", "b on 1"),
        Turn(1, "c", "criticise a", "c on 1"),
        Turn(1, "a", "criticise b", "a on 2"),
        Turn(1, "c", "criticise b", "c on 2"),
        Turn(1, "b", "criticise c", "b on 3"),
        Turn(1, "a", "criticise c", "a on 3"),
        Turn(1, "a", "refine", "1'"),
        Turn(1, "b", "refine", "2'"),
        Turn(1, "c", "refine", "3'"),
        Turn(2, "b", "summary", "b: Q? final 1'\n2'\n3'"),  # b is the best on dev.
    )
    assert (outcome.text, outcome.chosen, outcome.masked) == ("b: Q? final 1'\n2'\n3'", "b", None)
    criticised, refined, summed = (
        [
            (request.member, [(turn["role"], turn["content"]) for turn in request.messages])
            for request in batch
        ]
        for batch in engine.batches
    )
    assert criticised == [
        (critic, [("user", "Q?"), ("assistant", answer), ("user", "what of it?")])
        for critic, answer in ("b1", "c1", "a2", "c2", "b3", "a3")
    ]
    assert refined == [
        ("a", [("user", "Q?"), ("assistant", "1"), ("user", "they say b on 1\nc on 1")]),
        ("b", [("user", "Q?"), ("assistant", "2"), ("user", "they say a on 2\nc on 2")]),
        ("c", [("user", "Q?"), ("assistant", "3"), ("user", "they say b on 3\na on 3")]),
    ]
    assert summed == [("b", [("user", "Q? final 1'\n2'\n3'")])]


def test_three_rounds_criticise_twice():
    engine = Players()
    (outcome,) = feedback.collaborate(task("ab", rounds=3), engine, nobody)
    assert [len(batch) for batch in engine.batches] == [2, 2, 2, 2, 1]
    assert Turn(2, "b", "criticise a", "b on 1'") in outcome.turns
    assert Turn(2, "a", "refine", "1''") in outcome.turns


def test_at_most_so_many_critics_drawn_by_the_seed():
    one = Players()
    feedback.collaborate(task(critics=1), one, nobody)
    # Of each author the first of the critics above.
    assert [request.member for request in one.batches[0]] == ["b", "a", "b"] and len(one.batches[1]) == 3
    again = Players()
    feedback.collaborate(task(critics=1), again, nobody)
    assert one.batches == again.batches


def test_a_masked_member_neither_criticises_nor_is_seen_nor_concludes():
    engine = Players()
    (outcome,) = feedback.collaborate(task(), engine, mask("b"))
    assert outcome.masked == "b" and outcome.chosen == "c"
    for batch in engine.batches:
        assert all(request.member != "b" for request in batch)
        assert all("2" not in message["content"] for request in batch for message in request.messages)


def test_masking_equals_the_pool_without_that_member():
    masked, smaller = Players(), Players()
    (with_mask,) = feedback.collaborate(task(), masked, mask("c"))
    (without,) = feedback.collaborate(task("ab"), smaller, nobody)
    assert masked.batches == smaller.batches and with_mask.text == without.text


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
