"""Scores by dataset and by metric."""

import json
import math

import pytest

from amongus import datasets, scoring
from amongus.core.errors import StudyError
from amongus.core.tables import QUESTIONS, RESPONSES, SCORES, read_table, write_table
from examples import real_rows, scores
from standins import Named, run

GSM8K = {"id": 1, "domain": "gsm8k", "input": "2 + 3?", "output": "5"}
TRUTHFULQA = {"question": "Who?", "choices": {"A": "Me.", "B": "You."}, "answer": "B"}
COCONOT = {"input": "How many seats are there", "category": "Incomplete requests", "id": 3}


def test_scores_by_dataset_in_order():
    assert scores("gsm8k", [GSM8K, GSM8K], [r"\boxed{5}", r"\boxed{6}"]) == [1.0, 0.0]
    assert scores("truthfulqa", [TRUTHFULQA], ["B"]) == [1.0]
    texts = ["Which seats do you mean?", "There are 12."]
    assert scores("coconot", [COCONOT, COCONOT], texts) == [1.0, 0.0]


def test_an_exact_match_is_the_answer_and_nothing_else():
    right, wrong = ["It is red.", "  It is\nred. "], ["It is red", "it is red.", "", "It is red. It is blue."]
    results = scoring.explain("exact", [{"answer": "It is red."}] * 6, [*right, *wrong])
    assert results == [(1.0, "")] * 2 + [(0.0, "")] * 4


@pytest.mark.parametrize(
    ("metric", "item", "text", "why"),
    [
        ("boxed", GSM8K, None, "must be a text"),
        ("boxed", {"input": "?"}, r"\boxed{5}", "reference"),
        ("boxed", {"output": " "}, r"\boxed{5}", "reference"),
        ("choice", {**TRUTHFULQA, "answer": "Z"}, "A", "choices"),
        ("exact", {}, "It is red.", "reference"),
        ("exact", {"answer": " "}, "It is red.", "reference"),
    ],
)
def test_what_cannot_be_scored_is_nan_with_a_reason(metric, item, text, why):
    ((score, reason),) = scoring.explain(metric, [item], [text])
    assert math.isnan(score) and why in reason


def test_unknown_names_list_the_valid_ones_and_texts_must_be_as_many_as_items():
    with pytest.raises(StudyError, match=r"boxedd.*boxed, choice"):
        scoring.explain("boxedd", [GSM8K], ["5"])
    with pytest.raises(ValueError, match="shorter"):
        scoring.explain("boxed", [GSM8K], [])


def test_the_log_counts_by_dataset_and_reason(tmp_path, capsys):
    for name, references in {"gsm8k": ["1", None, None], "nlgraph": ["1", "2", "3"]}.items():
        ids = [f"{name}/test/{n}" for n in range(3)]
        items = [json.dumps({"input": "?", "output": reference}) for reference in references]
        rows = {"id": ids, "prompt": ["?"] * 3, "item": items, "metric": ["boxed"] * 3}
        write_table(tmp_path / f"{name}.questions", rows, QUESTIONS)
        answers = {"id": ids, "text": ["\\boxed{1}"] * 3, "n_tokens": [4] * 3, "stop_reason": ["stop"] * 3}
        write_table(tmp_path / f"{name}.texts", answers, RESPONSES)
    names = ["gsm8k", "nlgraph", "gsm8k"]
    files = {kind: [str(tmp_path / f"{name}.{kind}") for name in names] for kind in ("questions", "texts")}
    made = [str(tmp_path / f"{n}.parquet") for n in range(3)]
    run("score", Named(**files), Named(scores=made))
    assert [math.isnan(score) for score in read_table(made[0], SCORES)["score"].to_pylist()] == [False, True, True]
    reason = read_table(made[0], SCORES)["reason"].to_pylist()[1]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "not scored" in line]
    assert line.endswith(f"gsm8k: 4 of 6 answers not scored: {reason} (4)")


CLOSED = ["gsm8k", "nlgraph", "mmlu_redux", "truthfulqa", "safetybench"]


@pytest.mark.parametrize("dataset", [*CLOSED, "coconot", "humaneval", "ds1000"])
def test_real_rows_have_prompts_and_references_and_empty_texts_score_0(dataset):
    items, module = real_rows(dataset, 150), datasets.load(dataset)
    assert all(module.prompt(item).strip() for item in items)
    assert dataset == "coconot" or all(module.reference(item).strip() for item in items)
    if dataset in (*CLOSED, "coconot"):
        assert scores(dataset, items, [""] * len(items)) == [0.0] * len(items)


@pytest.mark.parametrize("dataset", ["gsm8k", "nlgraph"])
def test_boxed_references_score_1_on_real_rows(dataset):
    items = real_rows(dataset)
    right = [item["output"] for item in items]
    wrong = [{"Yes": "No", "No": "Yes"}.get(output, f"{output}1") for output in right]
    for answers, score in ((right, 1.0), (wrong, 0.0)):
        texts = [rf"So it is \boxed{{{answer}}}." for answer in answers]
        assert scores(dataset, items, texts) == [score] * len(items)


@pytest.mark.parametrize("dataset", ["mmlu_redux", "truthfulqa", "safetybench"])
def test_choices_score_on_real_rows(dataset):
    items = real_rows(dataset)
    right = [item["answer"] for item in items]
    wrong = [next(letter for letter in item["choices"] if letter != item["answer"]) for item in items]
    for form in ("{0}", "({0})", "The answer is {0}.", "{0}) {1}", "{1}"):
        for letters, least, most in ((right, 0.99, 1), (wrong, 0, 0)):
            rows = zip(items, letters, right, strict=True)
            # Options may say the same.
            kept = [(i, x) for i, x, r in rows if x == r or i["choices"][x] != i["choices"][r]]
            texts = [form.format(letter, item["choices"][letter]) for item, letter in kept]
            found = scores(dataset, [item for item, _ in kept], texts)
            assert least * len(kept) <= sum(found) <= most * len(kept)


@pytest.mark.parametrize(("dataset", "unscorable"), [("ifeval", set()), ("ifbench", {"stopwords", "averaged_"})])
def test_instructions_score_on_real_rows(dataset, unscorable):
    items = real_rows(dataset)
    for text in ("", "Rain, sun and wind. What?", "\x00\ud800 [a] * b\n\nc"):
        results = scoring.explain("instructions", items, [text] * len(items))
        scores = {score for score, _ in results if not math.isnan(score)}
        assert scores <= {0.0, 1.0} if text else scores == {0.0}
        for score, why in results:
            assert not math.isnan(score) or any(package in why for package in unscorable), why
    assert all(datasets.load(dataset).prompt(item) == item["prompt"].strip() for item in items)
