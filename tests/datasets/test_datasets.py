"""Prompts of the datasets and the shape of their rows."""

import subprocess
import sys

import pytest

from amongus import datasets
from amongus.core.errors import StudyError
from examples import examples

TABLE = examples("datasets/rows")
ROWS = TABLE["good"]
OPTIONS = "Who {0}?\n\nA) Me.\nB) You.\n\n"


@pytest.mark.parametrize(
    ("dataset", "metric", "begin", "end"),
    [
        ("gsm8k", "boxed", "2 + 3?", "\\boxed{}"),
        ("nlgraph", "boxed", "Is 0 connected to 1?", "\\boxed{}"),
        *((name, "choice", OPTIONS, "letter") for name in ("mmlu_redux", "truthfulqa", "safetybench")),
        # Nothing that gives away what is measured.
        ("coconot", "noncompliance", "Draw a cat.", None),
        ("ifeval", "instructions", "No commas.", None),
        ("ifbench", "instructions", "No commas.", None),
        ("humaneval", "humaneval", "", "in one ```python block."),
        ("ds1000", "ds1000", "", "in one ```python block."),
    ],
)
def test_prompts_and_metrics(dataset, metric, begin, end):
    row = ROWS[dataset]
    prompt = datasets.load(dataset).prompt(row)
    assert datasets.metric(dataset, row) == metric
    assert prompt == begin if end is None else prompt.startswith(begin) and end in prompt
    assert row.get("prompt", "").strip() in prompt


def test_an_unknown_dataset_lists_the_valid_ones():
    with pytest.raises(StudyError, match=r"gsm9k.*coconot.*gsm8k.*truthfulqa"):
        datasets.load("gsm9k")


@pytest.mark.parametrize(("dataset", "changes", "fault"), TABLE["broken"])
def test_broken_rows_are_named(dataset, changes, fault):
    good, row = ROWS[dataset], changes
    if isinstance(changes, dict):
        row = {key: value for key, value in {**good, **changes}.items() if value is not None}
    with pytest.raises(StudyError, match=rf"q.json: dev, row 1.*{fault}"):
        datasets.validate_rows(dataset, [good, row], "q.json: dev")


def test_no_torch():
    code = "import sys; import amongus.scoring, amongus.datasets._sources; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=True)
