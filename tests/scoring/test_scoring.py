"""Scores by dataset and by metric."""

import math
import os
import random
from pathlib import Path

import pytest

from amongus import datasets, scoring
from amongus.core.errors import StudyError
from amongus.datasets import _sources

GSM8K = {"id": 1, "domain": "gsm8k", "input": "2 + 3?", "output": "5"}
TRUTHFULQA = {"question": "Who?", "choices": {"A": "Me.", "B": "You."}, "answer": "B"}
COCONOT = {"input": "How many seats are there", "category": "Incomplete requests", "id": 3}
PINNED = Path(
    os.environ.get("AMONGUS_DATASETS", Path(__file__).resolve().parents[2] / ".." / "shared" / "datasets")
)


def rows(dataset, count=200):
    path = PINNED / f"{dataset}.json"
    if not path.is_file():
        pytest.skip(f"no {path}; AMONGUS_DATASETS names the folder of the real rows")
    digests = {
        line.split()[1].split("/")[-1]: line.split()[0]
        for line in (PINNED / "SHA256SUMS").read_text().splitlines()
        if not line.startswith("#")
    }
    splits, _ = _sources.read({"path": path, "sha256": digests[path.name]})
    return random.Random(0).sample(splits["dev"] + splits["test"], count)


def test_scores_by_dataset_in_order():
    assert scoring.score("gsm8k", [GSM8K, GSM8K], [r"\boxed{5}", r"\boxed{6}"]) == [1.0, 0.0]
    assert scoring.score("truthfulqa", [TRUTHFULQA], ["B"]) == [1.0]
    assert scoring.score("coconot", [COCONOT, COCONOT], ["Which seats do you mean?", "There are 12."]) == [
        1.0,
        0.0,
    ]


def test_what_is_no_text_is_nan_with_a_reason():
    assert math.isnan(scoring.score("gsm8k", [GSM8K], [None])[0])
    score, reason = scoring.explain("boxed", [{"input": "?"}], [r"\boxed{5}"])[0]
    assert math.isnan(score) and "reference" in reason
    assert scoring.explain("boxed", [GSM8K], [r"\boxed{5}"]) == [(1.0, "")]


def test_unknown_names_list_the_valid_ones():
    with pytest.raises(StudyError, match=r"gsm9k.*coconot.*gsm8k"):
        scoring.score("gsm9k", [], [])
    with pytest.raises(StudyError, match=r"boxedd.*boxed, choice"):
        scoring.explain("boxedd", [GSM8K], ["5"])


def test_as_many_texts_as_items():
    with pytest.raises(ValueError, match="shorter"):
        scoring.score("gsm8k", [GSM8K], [])


@pytest.mark.parametrize(
    "dataset", ["gsm8k", "nlgraph", "mmlu_redux", "truthfulqa", "safetybench", "coconot"]
)
def test_empty_texts_score_0_on_real_rows(dataset):
    items = rows(dataset)
    assert scoring.score(dataset, items, [""] * len(items)) == [0.0] * len(items)
    assert all(datasets.prompt(dataset, item).strip() for item in items)


@pytest.mark.parametrize(
    "dataset", ["gsm8k", "nlgraph", "mmlu_redux", "truthfulqa", "safetybench", "humaneval", "ds1000"]
)
def test_real_rows_have_a_reference_for_a_verifier(dataset):
    module = datasets.load(dataset)
    assert all(module.reference(item).strip() for item in rows(dataset, 150))


@pytest.mark.parametrize("dataset", ["gsm8k", "nlgraph"])
def test_boxed_references_score_1_on_real_rows(dataset):
    items = rows(dataset)
    assert scoring.score(dataset, items, [rf"So it is \boxed{{{item['output']}}}." for item in items]) == [
        1.0
    ] * len(items)
    shifted = [
        "No" if item["output"] == "Yes" else "Yes" if item["output"] == "No" else f"{item['output']}1"
        for item in items
    ]
    assert sum(scoring.score(dataset, items, [rf"\boxed{{{wrong}}}" for wrong in shifted])) == 0.0


@pytest.mark.parametrize("dataset", ["mmlu_redux", "truthfulqa", "safetybench"])
def test_choices_score_on_real_rows(dataset):
    items = rows(dataset)
    for dress in ("{0}", "({0})", "The answer is {0}.", "{0}) {1}", "{1}"):
        texts = [dress.format(item["answer"], item["choices"][item["answer"]]) for item in items]
        assert sum(scoring.score(dataset, items, texts)) >= 0.99 * len(items)
        others = [next(letter for letter in item["choices"] if letter != item["answer"]) for item in items]
        texts = [
            dress.format(other, item["choices"][other]) for item, other in zip(items, others, strict=True)
        ]
        distinct = [
            i
            for i, (item, o) in enumerate(zip(items, others, strict=True))
            if item["choices"][o] != item["choices"][item["answer"]]
        ]
        scores = scoring.score(dataset, items, texts)
        assert sum(scores[i] for i in distinct) == 0.0


@pytest.mark.parametrize(
    ("dataset", "unscorable"), [("ifeval", set()), ("ifbench", {"stopwords", "averaged_"})]
)
def test_instructions_score_on_real_rows(dataset, unscorable):
    items = rows(dataset)
    for text in ("", "Rain, sun and wind. What?", "\x00\ud800 [a] * b\n\nc"):
        judged = scoring.explain("instructions", items, [text] * len(items))
        scores = {score for score, _ in judged if not math.isnan(score)}
        assert scores <= {0.0, 1.0} if text else scores == {0.0}
        for score, why in judged:
            assert not math.isnan(score) or any(package in why for package in unscorable), why
    assert all(datasets.prompt(dataset, item) == item["prompt"].strip() for item in items)
