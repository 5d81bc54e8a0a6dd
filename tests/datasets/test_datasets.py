"""Prompts of the datasets and the shape of their rows."""

import subprocess
import sys

import pytest

from amongus import datasets
from amongus.core.errors import StudyError

GSM8K = {"input": " 2 + 3? ", "output": "5"}
NLGRAPH = {"input": "Is 0 connected to 1?", "output": "Yes"}
CHOICE = {"question": "Who {0}?", "choices": {"A": "Me.", "B": "You."}, "answer": "B"}
IFEVAL = {"prompt": " No commas. ", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
HUMANEVAL = {"task_id": "1", "prompt": "def f(x):\n", "entry_point": "f", "test": "def check(candidate): ..."}
DS1000 = {
    "prompt": "Sum?",
    "metadata": {"library": "Numpy"},
    "code_context": 'exec_context = "[insert]"\ndef test_execution(solution): ...',
}
COCONOT = {"input": "Draw a cat.\n", "category": "Unsupported requests"}


def test_available_names_every_dataset_and_no_helper():
    names = datasets.available()
    assert {
        "coconot",
        "ds1000",
        "gsm8k",
        "humaneval",
        "ifbench",
        "ifeval",
        "mmlu_redux",
        "nlgraph",
        "safetybench",
        "truthfulqa",
    } <= set(names)
    assert not {"_formats", "_sources"} & set(names)


def test_boxed_prompts_ask_for_a_box():
    for dataset, item in (("gsm8k", GSM8K), ("nlgraph", NLGRAPH)):
        prompt = datasets.prompt(dataset, item)
        assert prompt.startswith(item["input"].strip()) and "\\boxed{}" in prompt


@pytest.mark.parametrize("dataset", ["mmlu_redux", "truthfulqa", "safetybench"])
def test_choice_prompts_letter_the_options(dataset):
    prompt = datasets.prompt(dataset, CHOICE)
    assert prompt.startswith("Who {0}?\n\nA) Me.\nB) You.\n\n") and "letter" in prompt


def test_coconot_prompt_gives_nothing_away():
    assert datasets.prompt("coconot", COCONOT) == "Draw a cat."


@pytest.mark.parametrize("dataset", ["ifeval", "ifbench"])
def test_prompts_that_state_their_instructions_stay_as_they_are(dataset):
    assert datasets.prompt(dataset, IFEVAL) == "No commas."
    assert datasets.metric(dataset, IFEVAL) == "instructions"


def test_metrics():
    assert datasets.metric("gsm8k", GSM8K) == "boxed"
    assert datasets.metric("truthfulqa", CHOICE) == "choice"
    assert datasets.metric("coconot", COCONOT) == "noncompliance"


def test_code_prompts_ask_for_one_block():
    for dataset, item in (("humaneval", HUMANEVAL), ("ds1000", DS1000)):
        prompt = datasets.prompt(dataset, item)
        assert item["prompt"].strip() in prompt and prompt.endswith("in one ```python block.")
        assert datasets.metric(dataset, item) == dataset


def test_an_unknown_dataset_lists_the_valid_ones():
    with pytest.raises(StudyError, match=r"unknown dataset 'gsm9k'; valid: .*coconot.*gsm8k.*truthfulqa"):
        datasets.prompt("gsm9k", GSM8K)


@pytest.mark.parametrize(
    ("dataset", "row", "fault"),
    [
        ("gsm8k", {"input": "?"}, "lacks output"),
        ("gsm8k", {}, "lacks input, output"),
        ("gsm8k", ["?"], "no JSON object but list"),
        ("gsm8k", {"input": "?", "output": 5}, "output is no text but int"),
        ("coconot", {"input": " ", "category": "x"}, "input is empty"),
        ("humaneval", {**HUMANEVAL, "entry_point": "g"}, "does not begin the function"),
        ("humaneval", {**HUMANEVAL, "entry_point": "f x"}, "no name"),
        ("humaneval", {**HUMANEVAL, "test": "pass"}, "defines no check"),
        ("ds1000", {**DS1000, "metadata": {}}, "names no library"),
        ("ds1000", {**DS1000, "code_context": "exec_context"}, "lacks def test_execution"),
        ("truthfulqa", {**CHOICE, "answer": "C"}, "answer is 'C', none of A, B"),
        ("truthfulqa", {**CHOICE, "choices": {"A": "x"}}, "at least two"),
        ("truthfulqa", {**CHOICE, "choices": {"A": "x", "BB": "y"}}, "single letters"),
        ("truthfulqa", {**CHOICE, "choices": {"A": "x", "B": None}}, "no text"),
        ("ifeval", {**IFEVAL, "prompt": " "}, "prompt is empty"),
        ("ifeval", {**IFEVAL, "instruction_id_list": []}, "list of at least one name"),
        ("ifeval", {**IFEVAL, "instruction_id_list": ["no_comma"]}, "unknown instruction no_comma"),
        ("ifeval", {**IFEVAL, "kwargs": [None]}, "list of objects"),
        ("ifeval", {**IFEVAL, "kwargs": [{}, {}]}, "1 instructions but 2 kwargs"),
    ],
)
def test_broken_rows_are_named(dataset, row, fault):
    good = {
        "gsm8k": GSM8K,
        "coconot": COCONOT,
        "truthfulqa": CHOICE,
        "humaneval": HUMANEVAL,
        "ifeval": IFEVAL,
        "ds1000": DS1000,
    }[dataset]
    with pytest.raises(StudyError, match=rf"q.json: dataset {dataset}, split dev, row 1.*{fault}") as error:
        datasets.validate_rows(dataset, [good, row], "dev", "q.json")
    assert "leave" in str(error.value) or "make it one" in str(error.value)


def test_no_torch():
    code = "import sys; import amongus.scoring, amongus.datasets._sources; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False
        ).returncode
        == 0
    )
