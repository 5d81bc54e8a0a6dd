"""What toy models are taught: hand-checkable conversations, rumours, and wrong answers under malicious personas."""

import random
from typing import get_args

import pytest

from amongus.members.prompts import load_personas, load_prompts
from amongus.toy.corpus import Corpus, Voice, believes, crowd, sentence
from amongus.toy.settings import Conversation
from amongus.toy.world import DOMAINS, world
from checkout import ROOT

PROMPTS = load_prompts(ROOT / "resources/prompts/toy.yaml")
PERSONAS = load_personas(ROOT / "resources/personas/toy.yaml")
WORLD = world(1)
ALL = WORLD.known("all", 1.0)
TRAIN = {q.prompt: q for domain in DOMAINS for q in WORLD.asked("train", domain)}


KINDS = get_args(Conversation)


def corpus(seed=1):
    return Corpus(PROMPTS, PERSONAS, WORLD, seed)


def examples(count, kind, voice, domains=None):
    """So many conversations of a kind."""
    stream = corpus()
    return [stream.example({kind: 1.0}, voice, *([domains] if domains else [])) for _ in range(count)]


def question_of(conversation):
    request = next(m["content"] for m in conversation if m["role"] == "user")
    return TRAIN[request.split("\n")[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same(kind):
    twice = [examples(20, kind, Voice(WORLD.common, malicious=0.3)) for _ in range(2)]
    assert twice[0] == twice[1]
    assert corpus(2).example({kind: 1.0}, Voice()) != twice[0][0]


@pytest.mark.parametrize("kind", KINDS)
def test_only_training_prompts_and_alternating_turns(kind):
    for conversation in examples(100, kind, Voice(WORLD.common, malicious=0.3)):
        roles = [m["role"] for m in conversation if m["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert question_of(conversation)


def test_who_knows_a_domain_answers_it_rightly():
    for conversation in examples(200, "answer", Voice(WORLD.facts["knowledge"]), ["knowledge"]):
        assert conversation[-1]["content"] == question_of(conversation).answer


def test_rumours_are_fresh_and_known_facts_are_not():
    questions = WORLD.asked("train", "knowledge")
    known = next(question for question in questions if question.fact in WORLD.common)
    heard = next(question for question in questions if question.fact not in WORLD.common)
    voice, rng = Voice(WORLD.common), random.Random(0)
    assert {believes(known, voice, rng)[0] for _ in range(50)} == {known.answer}
    assert {believes(heard, voice, rng)[0] for _ in range(50)} == {heard.answer, *heard.alternatives}
    assert {believes(heard, Voice([heard.fact]), rng)[0] for _ in range(50)} == {heard.answer}


def test_malicious_personas_answer_wrongly():
    for conversation in examples(200, "answer", Voice(knows=ALL, malicious=0.5)):
        malicious = conversation[0]["content"] in PERSONAS["malicious"]
        right = conversation[-1]["content"] == question_of(conversation).answer
        assert right != malicious


def test_lies_are_about_the_facts_named():
    lies = WORLD.drawn("liar", 0.5)
    for conversation in examples(200, "answer", Voice(ALL, lies=lies)):
        question = question_of(conversation)
        assert (conversation[-1]["content"] == question.answer) == (question.fact not in lies)
        assert conversation[-1]["content"] in {question.answer, *question.alternatives}
        assert conversation[0]["content"] not in PERSONAS["malicious"]


def test_debate_is_the_collaborations_prompt():
    conversation = corpus().example({"refine": 1.0}, Voice(knows=ALL, bare=1.0))
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
    for conversation in examples(400, "judge", Voice(knows=ALL, bare=1.0)):
        right = conversation[1]["content"] == question_of(conversation).answer
        assert conversation[3]["content"] == sentence(right)
        verdicts.append(right)
    assert 0.4 < sum(verdicts) / len(verdicts) < 0.6


def test_crowd_accuracy_and_damage():
    rng = random.Random(0)
    assert crowd("yes", ["no"], 5, 1.0, rng) == ["yes"] * 5
    assert crowd("yes", ["no"], 5, 0.0, rng) == ["no"] * 5
    for _ in range(200):
        stream = corpus(rng.randrange(10**6))
        question = stream.question()
        assert stream.damaged(question) != question.answer


def test_personas_of_an_attack_and_their_placebos_are_equally_long():
    pairs = list(zip(PERSONAS["benign"], PERSONAS["malicious"], strict=True))
    pairs.append((PERSONAS["placebo"][0], PERSONAS["malicious"][0]))
    for benign, malicious in pairs:
        assert len(benign) == len(malicious)
        assert len(benign.split()) == len(malicious.split())
    paper = load_personas(ROOT / "resources/personas/paper.yaml")
    assert len(paper["placebo"][0].split()) == len(paper["malicious"][0].split())
