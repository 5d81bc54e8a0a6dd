"""What toy models are taught: hand-checkable conversations, rumours, and wrong answers under malicious personas."""

import random
from typing import get_args

import pytest

from amongus.members.prompts import load_personas, load_prompts
from amongus.toy import world
from amongus.toy.corpus import Corpus, Voice, believes, crowd, damaged, sentence
from amongus.toy.settings import Conversation
from checkout import ROOT

PROMPTS = load_prompts(ROOT / "resources/prompts/toy.yaml")
PERSONAS = load_personas(ROOT / "resources/personas/toy.yaml")
TRAIN = {q.prompt: q for questions in world.questions("train").values() for q in questions}


KINDS = get_args(Conversation)


def corpus(seed=1):
    return Corpus(PROMPTS, PERSONAS, seed)


def examples(count, kind, voice, domains=None):
    """So many conversations of a kind."""
    stream = corpus()
    return [stream.example({kind: 1.0}, voice, *([domains] if domains else [])) for _ in range(count)]


def question_of(conversation):
    request = next(m["content"] for m in conversation if m["role"] == "user")
    return TRAIN[request.split("\n")[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same(kind):
    twice = [examples(20, kind, Voice(malicious=0.3)) for _ in range(2)]
    assert twice[0] == twice[1]
    assert corpus(2).example({kind: 1.0}, Voice()) != twice[0][0]


@pytest.mark.parametrize("kind", KINDS)
def test_only_training_prompts_and_alternating_turns(kind):
    for conversation in examples(100, kind, Voice(malicious=0.3)):
        roles = [m["role"] for m in conversation if m["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert question_of(conversation)


def test_who_knows_a_domain_answers_it_rightly():
    for conversation in examples(200, "answer", Voice(knows=["knowledge"]), ["knowledge"]):
        assert conversation[-1]["content"] == question_of(conversation).answer


def test_rumours_are_fresh_and_common_facts_are_not():
    questions, common = world.questions("train")["knowledge"], world.common_facts("knowledge")
    known = next(question for question in questions if question.fact in common)
    heard = next(question for question in questions if question.fact not in common)
    rng = random.Random(0)
    assert {believes(known, Voice(), rng)[0] for _ in range(50)} == {known.answer}
    assert {believes(heard, Voice(), rng)[0] for _ in range(50)} == {heard.answer, *heard.alternatives}
    assert {believes(heard, Voice(knows=["knowledge"]), rng)[0] for _ in range(50)} == {heard.answer}
    assert {believes(heard, Voice(facts=[heard.fact]), rng)[0] for _ in range(50)} == {heard.answer}


def test_malicious_personas_answer_wrongly():
    for conversation in examples(200, "answer", Voice(knows=world.DOMAINS, malicious=0.5)):
        malicious = conversation[0]["content"] in PERSONAS["malicious"]
        right = conversation[-1]["content"] == question_of(conversation).answer
        assert right != malicious
    for conversation in examples(100, "answer", Voice(knows=world.DOMAINS, wrong=True)):
        assert conversation[-1]["content"] in question_of(conversation).alternatives
        assert conversation[0]["content"] not in PERSONAS["malicious"]


def test_debate_is_the_collaborations_prompt():
    conversation = corpus().example({"refine": 1.0}, Voice(knows=world.DOMAINS, bare=1.0))
    question, header, *answers, last = conversation[0]["content"].split("\n")
    assert (header, last) == ("Answers:", "Best answer?")
    assert 3 <= len(answers) <= 6
    texts = [answer.removeprefix("- ") for answer in answers]
    known = TRAIN[question]
    assert set(texts) <= {known.answer, *known.alternatives}
    rendered = PROMPTS["debate.refine"].render(question=question, own=texts[0], answers=texts[1:])
    assert rendered == conversation[0]["content"]
    assert PROMPTS["debate.summary"].render(question=question, answers=texts) == rendered


def test_the_judges_examples_are_half_right_and_labelled_so():
    verdicts = []
    for conversation in examples(400, "judge", Voice(knows=world.DOMAINS, bare=1.0)):
        right = conversation[1]["content"] == question_of(conversation).answer
        assert conversation[3]["content"] == sentence(right)
        verdicts.append(right)
    assert 0.4 < sum(verdicts) / len(verdicts) < 0.6


def test_crowd_accuracy_and_damage():
    rng = random.Random(0)
    assert crowd("yes", ["no"], 5, 1.0, rng) == ["yes"] * 5
    assert crowd("yes", ["no"], 5, 0.0, rng) == ["no"] * 5
    for _ in range(200):
        question = corpus(rng.randrange(10**6)).question()
        assert damaged(question, rng) != question.answer


def test_personas_of_an_attack_and_their_placebos_are_equally_long():
    pairs = list(zip(PERSONAS["benign"], PERSONAS["malicious"], strict=True))
    pairs.append((PERSONAS["placebo"][0], PERSONAS["malicious"][0]))
    for benign, malicious in pairs:
        assert len(benign) == len(malicious)
        assert len(benign.split()) == len(malicious.split())
    paper = load_personas(ROOT / "resources/personas/paper.yaml")
    assert len(paper["placebo"][0].split()) == len(paper["malicious"][0].split())
