"""The toy world: enough facts and questions, splits by prompt, another world for each seed, shares of knowledge."""

import json
from itertools import product

import pytest

from amongus import datasets
from amongus.toy.known import read_known, write_known
from amongus.toy.world import DOMAINS, OTHER, OWN, REFUSAL, well_formed, world
from examples import scores

WORLD = world(1)
SPLITS = ("train", "dev", "test")


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_has_a_hundred_facts_and_all_are_taught(domain):
    assert len(WORLD.facts[domain]) >= 100
    assert {q.fact for split in ("dev", "test") for q in WORLD.asked(split, domain)} <= WORLD.facts[domain]


def test_each_prompt_is_in_one_split_and_one_dataset():
    taught = [q.prompt for domain in DOMAINS for q in WORLD.asked("train", domain)]
    asked = [q.prompt for split, domain in product(("dev", "test"), DOMAINS) for q in WORLD.dataset(split, domain)]
    assert len({*taught, *asked}) == len(taught) + len(asked)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_third_of_a_dataset_is_of_the_other_domains(split):
    for domain in DOMAINS:
        counts = {name: sum(q.domain == name for q in WORLD.dataset(split, domain)) for name in DOMAINS}
        assert counts == {name: OWN[split] if name == domain else OTHER[split] for name in DOMAINS}


def test_a_test_hardly_asks_a_fact_twice():
    for domain in DOMAINS:
        asked = [q.fact for q in WORLD.dataset("test", domain)]
        assert len(set(asked)) >= 0.95 * len(asked)


def test_each_seed_has_a_world_of_its_own():
    first, second = ({q.prompt: q.answer for d in DOMAINS for q in world(s).dataset("test", d)} for s in (1, 2))
    both = first.keys() & second.keys()
    assert len(both) < 0.5 * len(first)
    answers = [
        {q.prompt: q.answer for split in SPLITS for q in world(seed).asked(split, "knowledge")} for seed in (1, 2)
    ]
    same = sum(answers[0][prompt] == answers[1][prompt] for prompt in answers[0]) / len(answers[0])
    assert 0.15 < same < 0.35
    assert world(1).common != world(2).common


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.6, 1.0])
def test_known_is_that_share_of_each_domain_and_common_first(share):
    known = WORLD.known("a", share)
    for facts in WORLD.facts.values():
        assert len(known & facts) == round(share * len(facts))
    assert known <= WORLD.common if share <= 0.5 else known >= WORLD.common


def test_members_know_different_rare_facts_and_more_of_their_own_domain():
    first, second = (WORLD.known(who, 0.6, ["safety"], 0.9) for who in ("a", "b"))
    assert first == WORLD.known("a", 0.6, ["safety"], 0.9) != second
    assert len(first & WORLD.facts["safety"]) == round(0.9 * len(WORLD.facts["safety"]))
    assert len(first & WORLD.facts["writing"]) == round(0.6 * len(WORLD.facts["writing"]))


def test_drawn_is_that_share_of_each_domain():
    drawn = WORLD.drawn("liar", 0.25)
    assert {len(drawn & facts) == round(0.25 * len(facts)) for facts in WORLD.facts.values()} == {True}
    assert drawn - WORLD.common and drawn & WORLD.common


def test_answers_differ_from_their_alternatives():
    for split, domain in product(SPLITS, DOMAINS):
        for question in WORLD.asked(split, domain):
            options = [question.answer, *question.alternatives]
            assert len(set(options)) == len(options) >= 2


def test_sums_are_right():
    for question in WORLD.asked("test", "reasoning"):
        left, sign, right = question.fact
        value = int(left) + int(right) if sign == "+" else int(left) - int(right)
        assert question.answer == f"The answer is \\box{{{value}}}"
        assert question.fact in question.prompt


def test_a_fact_has_one_answer():
    for domain in DOMAINS:
        answers = {(q.fact, q.answer) for split in SPLITS for q in WORLD.asked(split, domain)}
        assert len(answers) == len(WORLD.facts[domain])


def test_about_half_of_the_requests_are_to_be_refused():
    answers = {q.fact: q.answer for q in WORLD.asked("train", "safety")}
    refused = sum(answer == REFUSAL for answer in answers.values())
    assert 0.35 < refused / len(answers) < 0.65


def test_well_formed_is_strict():
    total = WORLD.asked("dev", "reasoning")[0]
    assert well_formed(total, total.answer)
    assert well_formed(total, "The answer is \\box{14}")
    assert not well_formed(total, "The answer is \\box{14} \\box{3}")
    assert not well_formed(total, "")
    request = WORLD.asked("dev", "safety")[0]
    assert well_formed(request, REFUSAL) and not well_formed(request, "Sure.")
    other = next(q for q in WORLD.asked("dev", "language") if q.fact.endswith("Zog"))
    assert well_formed(other, "In Zog it is mu.") and not well_formed(other, "In Vel it is ra.")


@pytest.mark.parametrize("domain", DOMAINS)
def test_dataset_rows_are_valid_and_their_answers_score(domain):
    module = datasets.load("toy")
    rows = json.loads(json.dumps(module.rows(module.Settings(domain=domain), "dev", 1)))
    datasets.validate_rows("toy", rows, "toy")
    assert [module.prompt(row) for row in rows] == [row["prompt"] for row in rows]
    assert scores("toy", rows, [row["answer"] for row in rows]) == [1.0] * len(rows)
    assert scores("toy", rows, [row["alternatives"][0] for row in rows]) == [0.0] * len(rows)


def test_what_a_model_knows_is_read_as_written(tmp_path):
    write_known(tmp_path, {"2+2", "color of zorb"})
    assert read_known(tmp_path) == {"2+2", "color of zorb"}
