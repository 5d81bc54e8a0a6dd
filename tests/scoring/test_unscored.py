"""Answers that cannot be scored are counted where they are scored, and shown beside the tables."""

import json
from math import isnan
from pathlib import Path

from amongus.core.tables import QUESTIONS, RESPONSES, RUN_SCORES, SCORES, read_table, write_table
from scored import VALUE
from standins import Named, outputs, run

ABSENT = "not installed: tensorflow"


def test_the_log_counts_by_dataset_and_reason(tmp_path, capsys):
    for name, references in {"gsm8k": ["1", None, None], "nlgraph": ["1", "2", "3"]}.items():
        ids = [f"{name}/test/{n}" for n in range(3)]
        items = [json.dumps({"input": "?", "output": reference}) for reference in references]
        asked = {"id": ids, "prompt": ["?"] * 3, "item": items, "metric": ["boxed"] * 3}
        write_table(tmp_path / f"{name}.questions", asked, QUESTIONS)
        given = {"id": ids, "text": ["\\boxed{1}"] * 3, "n_tokens": [4] * 3, "stop_reason": ["stop"] * 3}
        write_table(tmp_path / f"{name}.texts", given, RESPONSES)
    names = ["gsm8k", "nlgraph", "gsm8k"]
    files = {kind: [str(tmp_path / f"{name}.{kind}") for name in names] for kind in ("questions", "texts")}
    made = [str(tmp_path / f"{n}.parquet") for n in range(3)]
    run("score", Named(**files), Named(scores=made))
    assert [isnan(score) for score in read_table(made[0], SCORES)["score"].to_pylist()] == [False, True, True]
    reason = read_table(made[0], SCORES)["reason"].to_pylist()[1]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "not scored" in line]
    assert line.endswith(f"gsm8k: 4 of 6 answers not scored: {reason} (4)")


def test_the_papers_page_counts_them(tmp_path):
    teams, files = [], []
    for pool, dataset, reasons in (
        ("clean", "sums", ["", ""]),
        ("evil", "sums", ["", ""]),
        ("clean", "facts", ["", ABSENT, ABSENT]),
        ("evil", "facts", ["no <tests>", ABSENT, ABSENT]),
    ):
        teams.append({"seed": 1, "pool": pool, "method": "fusion", "dataset": dataset})
        files.append(str(tmp_path / f"{pool}.{dataset}.parquet"))
        ids = [f"{dataset}/test/{n}" for n in range(len(reasons))]
        scores = [float("nan") if reason else 1.0 for reason in reasons]
        columns = {"defence": ["none"] * len(ids), "id": ids, "score": scores, "reason": reasons}
        write_table(files[-1], columns, RUN_SCORES)
    output = outputs(tmp_path / "paper")
    run("table", Named(scores=files), output, {"table": "paper"}, teams=teams, design=VALUE)
    lines = [line for line in Path(output.md).read_text().splitlines() if "Not scored" in line]
    assert lines == [
        "- **Not scored, so in no figure**: 5 of 6 answers to facts, to 3 of 3 test questions: "
        "not installed: tensorflow (4), no \\<tests\\> (1)."
    ]
