"""Answers that are run: HumanEval and DS-1000."""

import math
import random
import time

import pytest
from test_scoring import rows

from amongus import datasets, sandbox, scoring
from amongus.core.errors import StudyError
from amongus.sandbox import execution
from amongus.scoring.metrics import _code, ds1000, humaneval
from attacks import ATTACKS, RESULTS
from sandboxed import obstacle

pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())
ITEM = {
    "task_id": "own/1",
    "prompt": "from typing import List\n\n\ndef twice(x: int) -> int:\n    return 2 * x\n\n\n"
    'def doubled(xs: List[int]) -> List[int]:\n    """Each number times two.\n    >>> doubled([1])\n    [2]\n    """\n',
    "entry_point": "doubled",
    "test": "def check(candidate):\n    assert candidate([1, 2]) == [2, 4]\n    assert candidate([]) == []\n"
    "    assert candidate([5]) == [twice(5)]\n",
}
BODY = "    return [twice(x) for x in xs]\n"
WHOLE = "def doubled(xs):\n    return [2 * x for x in xs]\n"
PLAIN = """
import numpy as np
import copy

def generate_test_case(test_case_id):
    data = np.arange(3 + test_case_id)
    return data, data.sum()

def exec_test(result, ans):
    np.testing.assert_array_equal(result, ans)
    return 1

exec_context = r\"\"\"
import numpy as np
a = test_input
[insert]
\"\"\"

def test_execution(solution: str):
    code = exec_context.replace("[insert]", solution)
    for i in range(2):
        test_input, expected_result = generate_test_case(i + 1)
        test_env = {"test_input": test_input}
        exec(code, test_env)
        assert exec_test(test_env["result"], expected_result)
"""
SUM = {
    "prompt": "The sum?\nA:\n<code>\na = np.arange(3)\n</code>\nresult = ... # put solution in this variable\n",
    "code_context": PLAIN,
    "metadata": {"library": "Numpy"},
}


def pass_at_1(*texts):
    return scoring.score("humaneval", [ITEM] * len(texts), texts, cores=2)


def test_answers_in_many_dresses():
    right = [
        BODY,
        BODY.lstrip(),
        f"```python\n{BODY}```",
        f"```\nreturn {BODY.split('return ')[1]}```",
        WHOLE,
        f"{ITEM['prompt']}{BODY}",
        f"Sure! Here it is:\n\n```python\n{WHOLE}```\nFor example:\n```python\nprint(doubled([1]))\n```\n```\n[2]\n```",
        f"First:\n```python\n{WHOLE.replace('2', '3')}```\nNo, wrong:\n```py\n{WHOLE}```",
        "1. Like so:\n   ```python\n   def doubled(xs):\n       return [2 * x for x in xs]\n   ```",
        f"~~~python\n{WHOLE}~~~",
        f"```python\n{WHOLE}",  # cut at its length
        WHOLE.replace("\n", "\r\n"),
        f"Here you are.\n\n{WHOLE}\nThis doubles each number.",
        "```python\nimport numpy as np\ndef doubled(xs):\n    return [np.int64(2) * x for x in xs]\n```",
        f"```python\n{WHOLE}```\n```bash\npython doubled.py\n```",
    ]
    assert pass_at_1(*right) == [1.0] * len(right)


def test_wrong_answers_and_noise_score_0():
    noise = random.Random(0)
    wrong = [
        "",
        " \n\t",
        "I do not know.",
        "```python\n```",
        "```python\n# nothing\n```",
        "pass",
        "return xs",
        WHOLE.replace("2", "3"),
        WHOLE.replace("doubled", "double"),
        "def doubled(xs): raise AssertionError",
        "def doubled(xs): yield 2",
        "```" * 10_000,
        "\ud800" + WHOLE,
        "def doubled(" * 1000,
        "(" * 100_000,
        "".join(map(chr, noise.choices(range(1, 0x3000), k=1_000_000))),
    ]
    assert pass_at_1(*wrong) == [0.0] * len(wrong)


def test_attacks_on_the_tests_score_0():
    judged = humaneval.score_all([ITEM] * len(ATTACKS), list(ATTACKS.values()), 2, {"seconds": 1.5})
    assert dict(zip(ATTACKS, judged, strict=True)) == dict.fromkeys(ATTACKS, (0.0, ""))


def test_plain_data_crosses_and_nothing_else():
    item = {
        **ITEM,
        "test": "def check(candidate):\n    assert candidate(1.5, k={2: (3,)}) == [1.5, {2: (3,)}, None, 1j, b'x', {4}]\n",
    }
    text = "def doubled(x, k): return [x, k, None, 1j, b'x', {4}]"
    assert humaneval.score(item, text) == 1.0
    item = {
        **ITEM,
        "test": "def check(candidate):\n    try:\n        candidate()\n"
        "    except ValueError as e:\n        assert str(e) == 'no'\n"
        "    else:\n        assert False\n    assert candidate != candidate()\n",
    }
    assert humaneval.score(item, "def doubled(): raise ValueError('no')") == 0.0
    item["test"] = item["test"].replace("    assert candidate != candidate()\n", "")
    assert humaneval.score(item, "def doubled(): raise ValueError('no')") == 1.0


def test_order_is_kept_and_what_is_no_text_is_nan():
    texts = ["import time\ntime.sleep(0.3)\n" + WHOLE, "", WHOLE, None, "x", WHOLE]
    judged = scoring.explain("humaneval", [ITEM] * 6, texts, 4)
    assert [score for score, _ in judged if not math.isnan(score)] == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert math.isnan(judged[3][0]) and "no text" in judged[3][1]
    with pytest.raises(ValueError):
        scoring.explain("humaneval", [ITEM], [])


def test_nothing_is_scored_without_a_sandbox(monkeypatch, tmp_path):
    execution.preflight.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("amongus.sandbox.bubblewrap.sys.prefix", str(tmp_path))
    with pytest.raises(StudyError, match="sandbox"):
        scoring.score("humaneval", [ITEM], [WHOLE])
    with pytest.raises(StudyError, match="sandbox"):
        humaneval.score(ITEM, WHOLE)
    execution.preflight.cache_clear()


def test_canonical_solutions_pass_and_empty_ones_do_not():
    items = rows("humaneval", 12)
    whole = [f"```python\n{item['prompt']}{item['canonical_solution']}```" for item in items]
    assert scoring.score("humaneval", items, whole, cores=2) == [1.0] * len(items)
    bodies = [item["canonical_solution"] for item in items]
    assert scoring.score("humaneval", items, bodies, cores=2) == [1.0] * len(items)
    for text in ("", "    pass"):
        assert scoring.score("humaneval", items, [text] * len(items), cores=2) == [0.0] * len(items)
    assert all(item["prompt"].strip() in datasets.prompt("humaneval", item) for item in items)


def test_ds1000_runs_the_items_tests():
    texts = [
        "```python\nresult = a.sum()\n```",
        "result = np.add.reduce(a)\n</code>\nEND SOLUTION",
        "```python\nprint(a)\n```\nso\n```python\nresult = int(a.sum())\n```",
        "",
        "result = a.max()",
        "```python\nresult = a.sum() + 1\n```",
        "import sys; sys.exit(0)",
        "class E:\n    __eq__ = lambda s, o: True\n    __array__ = lambda *a, **k: np.array([True])\nresult = E()",
        "np.testing.assert_array_equal = lambda *a: None\nresult = 0",
        "import sys\nf = sys._getframe()\nwhile f:\n    f.f_globals['exec_test'] = lambda *a: 1\n    f = f.f_back\n"
        "result = 0",
        "class E:\n    def __reduce__(self):\n        return exec, ('import os; os._exit(0)',)\nresult = E()",
    ]
    assert scoring.score("ds1000", [SUM] * len(texts), texts, cores=2) == [1.0] * 3 + [0.0] * 8


def test_attacks_on_the_reader_of_results_score_0():
    item = {**SUM, "code_context": f"import scipy.optimize\n{PLAIN}"}
    judged = ds1000.score_all([item] * len(RESULTS), list(RESULTS.values()), 2)
    assert dict(zip(RESULTS, judged, strict=True)) == dict.fromkeys(RESULTS, (0.0, ""))


def test_ds1000_without_its_library_is_nan():
    item = {**SUM, "code_context": "import numpy\nimport nothing_of_that_name\n" + PLAIN}
    ((score, reason),) = scoring.explain("ds1000", [item], ["result = a.sum()"])
    assert math.isnan(score) and reason == "not installed: nothing_of_that_name"


def test_ds1000_bodies_of_functions():
    context = PLAIN.replace("a = test_input\n[insert]\n", "def f(a):\n[insert]\nresult = f(test_input)\n")
    item = {**SUM, "code_context": context, "prompt": "def f(a):\n    ### BEGIN SOLUTION"}
    for text in ("    return a.sum()", "return a.sum()", "def f(a):\n    b = a\n\n    return b.sum()"):
        assert ds1000.solution(item, f"```python\n{text}\n```").strip("\n").startswith("    "), text
        assert ds1000.score(item, f"```python\n{text}\n```") == 1.0


@pytest.mark.parametrize("library", ["Numpy", "Pandas", "Scipy", "Sklearn"])
def test_ds1000_references_pass(library):
    pytest.importorskip(library.lower())
    # Those that the libraries of today still run as they did.
    known = {"Numpy": (0, 7), "Pandas": (0, 11), "Scipy": (2, 5), "Sklearn": (0, 1)}[library]
    items = [item for item in rows("ds1000", 1000) if item["metadata"]["library"] == library]
    items = sorted(items, key=lambda item: item["metadata"]["problem_id"])
    chosen = [items[number] for number in known]
    texts = [f"```python\n{item['reference_code']}\n```" for item in chosen]
    assert scoring.score("ds1000", chosen, texts, cores=2) == [1.0] * len(chosen)
    assert scoring.score("ds1000", chosen, ["", "result = 0"]) == [0.0, 0.0]


@pytest.mark.parametrize(
    "unit", ["\n", " ", "\t", "```\n", "a", "</code>", "def f(a):\n", "result ", "    result = 1\n"]
)
def test_a_megabyte_is_looked_through_in_linear_time(unit):
    text, began = unit * (1_000_000 // len(unit)), time.process_time()
    humaneval.programs(ITEM, text)
    ds1000.solution(SUM, text)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("line", ["```" + "a" * 60_000, "```" + " " * 60_000, "~~~" * 20_000])
def test_a_backtick_behind_a_fence_costs_no_more(line):
    began = time.process_time()
    assert _code.blocks(line + "`") == []
    assert time.process_time() - began < 1


def test_blocks():
    assert _code.blocks("```python\na\n```\n```text\nb\n```\n```\nc") == ["a\n", "c"]
    assert _code.blocks(" ````py title=x\na\n```\n```` \n``` a`\n~~~~\tPython\nb\n~~~\n") == [
        "a\n```\n",
        "b\n~~~\n",
    ]
    assert sandbox.Limits().seconds == 10
