"""The long check of real rows, on rows of ours: what it finds, and that it says so."""

import json
import sys

import pytest

from checkout import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import check_data
from published_rules import differences

GSM8K = [{"input": f"{n} + 1?", "output": str(n + 1)} for n in range(4)]
CHOICE = {"question": "Who?", "choices": {"A": "Me.", "B": "Me. Or you."}, "answer": "B"}
IFEVAL = {"prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rows = {"gsm8k": GSM8K, "truthfulqa": [CHOICE, {**CHOICE, "question": "Not?"}], "ifeval": [IFEVAL, IFEVAL]}
    for name, content in rows.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"dev": content[:1], "test": content[1:]}))
    available = check_data.plugins.available

    def shown(package):
        return [*rows, "toy"] if package == "datasets" else available(package)

    monkeypatch.setattr(check_data.plugins, "available", shown)
    monkeypatch.setattr(check_data, "LENGTHS", (50,))
    return tmp_path


def test_bounds_kept_are_shown(folder, capsys):
    assert check_data.main(folder) == 0
    shown = capsys.readouterr().out
    assert "| gsm8k | 4 | 4 | 4 (100.00 %) | 0 | 0 |" in shown and "All bounds are kept" in shown
    assert "truthfulqa 2 of 2" in shown  # an earlier option is part of the right one
    assert "ifeval 1" in shown  # the dev question is in test too


def test_what_misses_a_bound_is_named(folder, capsys, monkeypatch):
    (folder / "gsm8k.json").write_text(json.dumps({"dev": GSM8K[:1], "test": [{"input": "?", "output": "}"}]}))
    (folder / "ifeval.json").unlink()
    monkeypatch.setattr(check_data, "PATIENCE", -1.0)
    assert check_data.main(folder) == 1
    shown = capsys.readouterr().out
    assert "MISSED: gsm8k: reference answers: 1 of 2" in shown and "gsm8k/test/0" in shown
    assert "MISSED: ifeval: no " in shown and "MISSED: truthfulqa: truthfulqa/" in shown


def test_what_a_scorer_raises_or_gives_the_empty_text_is_named(folder, capsys, monkeypatch):
    def odd(metric, items, texts):
        if texts[0]:
            raise RuntimeError("no")
        return [(1.0, "")]

    monkeypatch.setattr(check_data.scoring, "explain", odd)
    assert check_data.main(folder) == 1
    shown = capsys.readouterr().out
    assert "the empty text scores 1 on 4 rows" in shown and "raised RuntimeError: no" in shown


def test_differences_of_code_are_counted_without_running_it():
    prompt = 'def f(x):\n    """Twice."""\n'
    functions = [
        {"prompt": prompt, "entry_point": "f", "canonical_solution": solution, "test": ""}
        for solution in ("    return 2 * x\n", "    return (\n")
    ]
    contexts = ["import numpy\ndef test_execution(solution): ...", "import tensorflow as tf\n"]
    content = {
        "humaneval": [(str(n), item) for n, item in enumerate(functions)],
        "ds1000": [(str(n), {"code_context": context}) for n, context in enumerate(contexts)],
    }
    counted = [rows for _, rows in differences(content, {"ds1000": 1}) if rows]
    assert counted == ["humaneval 1 of 2", "humaneval 2 of 2", "ds1000 1 of 2", "ds1000 1 of 2", "ds1000 1"]
