"""Answers that are run: HumanEval and DS-1000."""

import math
import random
import re
import sys
import time

import pytest

from amongus import datasets, scoring
from amongus.core.errors import StudyError
from amongus.sandbox import execution
from amongus.scoring.metrics import _code, ds1000, humaneval
from examples import examples, real_rows, scores
from sandboxed import obstacle

pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())
HUMANEVAL, DS1000 = examples("scoring/code").values()
DOUBLED, SUM = HUMANEVAL["item"], DS1000["item"]
ATTACKS = examples("scoring/attacks")
WHOLE = "def doubled(xs):\n    return [2 * x for x in xs]\n"


@pytest.mark.parametrize(("metric", "table"), [("humaneval", HUMANEVAL), ("ds1000", DS1000)])
def test_answers_in_many_forms_are_run_and_noise_scores_0(metric, table):
    noise = "".join(map(chr, random.Random(0).choices(range(1, 0x3000), k=1_000_000)))
    wrong = [*table["wrong"], "```" * 10_000, "def doubled(" * 1000, "(" * 100_000, noise]
    texts = [*table["right"], *wrong]
    expected = [1.0] * len(table["right"]) + [0.0] * len(wrong)
    assert scores(metric, [table["item"]] * len(texts), texts, cores=2) == expected


def test_attacks_score_0():
    importing = {**SUM, "code_context": f"import scipy.optimize\n{SUM['code_context']}"}
    for metric, item, name, limits in (
        ("humaneval", DOUBLED, "doubled", {"seconds": 1.5}),
        ("ds1000", importing, "result", None),
    ):
        attacks = ATTACKS[name]
        results = scoring.explain(metric, [item] * len(attacks), list(attacks.values()), 2, limits)
        assert dict(zip(attacks, results, strict=True)) == dict.fromkeys(attacks, (0.0, ""))


CROSSES = """def check(candidate):
    assert candidate(1.5, k={2: (3,)}) == [1.5, {2: (3,)}, None, 1j, b'x', {4}]
"""
RAISES = """def check(candidate):
    try:
        candidate()
    except ValueError as e:
        assert str(e) == 'no'
    else:
        assert False
"""


def test_plain_data_crosses_and_nothing_else():
    text = "def doubled(x, k): return [x, k, None, 1j, b'x', {4}]"
    assert humaneval.score({**DOUBLED, "test": CROSSES}, text) == 1.0
    text = "def doubled(): raise ValueError('no')"
    assert humaneval.score({**DOUBLED, "test": RAISES}, text) == 1.0
    assert humaneval.score({**DOUBLED, "test": f"{RAISES}    assert candidate != candidate()\n"}, text) == 0.0


def test_order_is_kept():
    texts = ["import time\ntime.sleep(0.3)\n" + WHOLE, "", WHOLE, "x", WHOLE]
    assert scores("humaneval", [DOUBLED] * 5, texts, cores=4) == [1.0, 0.0, 1.0, 0.0, 1.0]


def test_nothing_is_scored_without_a_sandbox(monkeypatch, tmp_path):
    execution.preflight.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("amongus.sandbox.bubblewrap.sys.prefix", str(tmp_path))
    with pytest.raises(StudyError, match="sandbox"):
        scores("humaneval", [DOUBLED], [WHOLE])
    with pytest.raises(StudyError, match="sandbox"):
        humaneval.score(DOUBLED, WHOLE)
    execution.preflight.cache_clear()


def test_canonical_solutions_pass_and_empty_ones_do_not():
    items = real_rows("humaneval", 12)
    bodies = [item["canonical_solution"] for item in items]
    whole = [f"```python\n{item['prompt']}{body}```" for item, body in zip(items, bodies, strict=True)]
    for texts, score in ((whole, 1.0), (bodies, 1.0), ([""] * 12, 0.0), (["    pass"] * 12, 0.0)):
        assert scores("humaneval", items, texts, cores=2) == [score] * 12
    assert all(item["prompt"].strip() in datasets.load("humaneval").prompt(item) for item in items)


def test_ds1000_without_its_library_is_nan():
    item = {**SUM, "code_context": "import numpy\nimport nothing_of_that_name\n" + SUM["code_context"]}
    ((score, reason),) = scoring.explain("ds1000", [item], ["result = a.sum()"])
    assert math.isnan(score) and reason == "not installed: nothing_of_that_name"


def test_ds1000_names_the_libraries_of_the_real_rows():
    contexts = "\n".join(row["code_context"] for row in real_rows("ds1000", 1000))
    imported = set(re.findall(r"^[ \t]*(?:import|from)[ \t]+(\w+)", contexts, re.MULTILINE))
    part_of_matplotlib = {"mpl_toolkits"}
    assert imported - set(sys.stdlib_module_names) - part_of_matplotlib == set(ds1000.LIBRARIES)


def test_ds1000_bodies_of_functions():
    body = "def f(a):\n[insert]\nresult = f(test_input)\n"
    context = SUM["code_context"].replace("a = test_input\n[insert]\n", body)
    item = {**SUM, "code_context": context, "prompt": "def f(a):\n    ### BEGIN SOLUTION"}
    for text in ("    return a.sum()", "return a.sum()", "def f(a):\n    b = a\n\n    return b.sum()"):
        assert ds1000.solution(item, f"```python\n{text}\n```").strip("\n").startswith("    "), text
        assert ds1000.score(item, f"```python\n{text}\n```") == 1.0


@pytest.mark.parametrize("library", ["Numpy", "Pandas", "Scipy", "Sklearn"])
def test_ds1000_references_pass(library):
    pytest.importorskip(library.lower())
    # Those that the libraries of today still run as they did.
    known = {"Numpy": (0, 7), "Pandas": (0, 11), "Scipy": (2, 5), "Sklearn": (0, 1)}[library]
    items = [item for item in real_rows("ds1000", 1000) if item["metadata"]["library"] == library]
    items = sorted(items, key=lambda item: item["metadata"]["problem_id"])
    chosen = [items[number] for number in known]
    texts = [f"```python\n{item['reference_code']}\n```" for item in chosen]
    assert scores("ds1000", chosen, texts, cores=2) == [1.0] * len(chosen)
    assert scores("ds1000", chosen, ["", "result = 0"]) == [0.0, 0.0]


@pytest.mark.parametrize(
    "unit", ["\n", " ", "\t", "```\n", "a", "</code>", "def f(a):\n", "result ", "    result = 1\n"]
)
def test_a_megabyte_is_looked_through_in_linear_time(unit):
    text, began = unit * (1_000_000 // len(unit)), time.process_time()
    humaneval.programs(DOUBLED, text)
    ds1000.solution(SUM, text)
    assert time.process_time() - began < 3


def test_blocks():
    assert _code.blocks("```python\na\n```\n```text\nb\n```\n```\nc") == ["a\n", "c"]
    nested = " ````py title=x\na\n```\n```` \n``` a`\n~~~~\tPython\nb\n~~~\n"
    assert _code.blocks(nested) == ["a\n```\n", "b\n~~~\n"]
    # A backtick after a fence costs no more.
    for line in ("```" + "a" * 60_000, "```" + " " * 60_000, "~~~" * 20_000):
        began = time.process_time()
        assert _code.blocks(line + "`") == []
        assert time.process_time() - began < 1
