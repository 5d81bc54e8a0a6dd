"""Two studies side by side, small enough to work out by hand."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from amongus.cli import comparison
from amongus.cli.comparison import COMPARED, compare, differences
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.core.tables import QUESTIONS, RUN_SCORES, read_table, write_table
from amongus.report.manifest import check_table, read_manifest, write_manifest
from amongus.study.paths import Paths
from damage import harm
from scored import pick
from standins import Named, outputs

DESIGN = {
    "pools": {"clean": ["a", "b"], "evil": ["a", "x"], "empty": ["a"]},
    "attackers": {"x": "sft"},
    "controls": {"evil": "empty"},
    "levels": {"debate": "text", "fusion": "logit"},
    "domains": {"sums": "reasoning", "facts": "knowledge"},
    "defences": {"debate": ["none"], "fusion": ["none"]},
    "applicable": {"evil": {"debate": True, "fusion": True}},
    "bootstrap": {"resamples": 200},
}


def study(root, name, scores, questions, seeds=(1,), **config):
    """A study of `scores`, {(pool, method, dataset): list}, whose questions are {dataset: list}; returns its folder."""
    paths = Paths(name, results=str(root))
    for dataset, prompts in questions.items():
        ids = [f"{dataset}/test/{number}" for number in range(len(prompts))]
        blank = [""] * len(prompts)
        columns = {"id": ids, "prompt": prompts, "item": blank, "metric": blank}
        write_table(paths.questions(dataset, "test"), columns, QUESTIONS)
    files = []
    for seed in seeds:
        for (pool, method, dataset), values in scores.items():
            files.append(paths.at(seed).run_scores(pool, method, dataset))
            ids = [f"{dataset}/test/{number}" for number in range(len(values))]
            blank = [""] * len(ids)
            columns = {"defence": ["none"] * len(ids), "id": ids, "score": values, "reason": blank}
            write_table(files[-1], columns, RUN_SCORES)
    made = outputs(f"{paths.root}/tables/impact")
    for path in (made.csv, made.md, made.tex):
        write_json(path, {"made": path})
    write_manifest(
        SimpleNamespace(
            input=Named(scores=files),
            output=made,
            params=Named(design=DESIGN, code="0" * 16),
            config={"study": name, "seeds": list(seeds), **config},
        )
    )
    return f"{paths.root}"


QUESTIONS_ = {"sums": ["1+1?", "2+2?", "3+3?", "4+4?"], "facts": ["sky?", "sea?"]}
A = {
    ("clean", "debate", "sums"): [0.0, 0.0, 0.0, 1.0],
    ("clean", "debate", "facts"): [1.0, 1.0],
    ("clean", "fusion", "sums"): [0.0, 0.0, 0.0, 0.0],
    ("evil", "debate", "sums"): [0.0, 0.0, 0.0, 0.0],
}


def test_pairs_are_the_same_questions_of_cells_that_both_have(tmp_path):
    b = {
        ("clean", "debate", "sums"): [1.0, 1.0, 1.0, 1.0],
        ("clean", "debate", "facts"): [1.0, 0.0],
        ("clean", "fusion", "facts"): [1.0, 1.0],
    }
    # Behind the last id of B stands another question, and its seed 2 is not A's.
    changed = {**QUESTIONS_, "sums": [*QUESTIONS_["sums"][:3], "9+9?"]}
    table, _ = compare(study(tmp_path, "a", A, QUESTIONS_), study(tmp_path, "b", b, changed, seeds=(1, 2)))
    assert list(table.columns) == COMPARED
    assert set(table["pool"]) == {"clean"} and set(table["method"]) == {"debate"}
    sums = pick(table, dataset="sums")
    assert (sums["n"], sums["seeds"], sums["a"], sums["b"], sums["difference"]) == (3, 1, 0.0, 1.0, 1.0)
    # Exact McNemar of three discordant pairs is 1/4; Holm over two datasets.
    assert sums["p_value"] == pytest.approx(0.5)
    facts = pick(table, dataset="facts")
    assert facts["difference"] == -0.5 and facts["difference_low"] <= -0.5 <= facts["difference_high"]
    # Datasets weigh the same.
    assert pick(table, dataset="all")["difference"] == pytest.approx(0.25)


def test_a_study_does_not_differ_from_itself(tmp_path):
    folder = study(tmp_path, "a", A, QUESTIONS_)
    table, _ = compare(folder, folder)
    assert (table["difference"] == 0).all() and (table["p_value"] == 1).all()
    assert {"debate", "fusion", "all"} == set(table["method"])
    # An average over methods is over those of one pool and the datasets that all of them have.
    average = pick(table, method="all", pool="clean", dataset="sums")
    assert (average["n"], average["a"]) == (4, 0.125)
    assert not differences(read_manifest(folder, "impact"), read_manifest(folder, "impact"))


def test_what_has_nothing_in_common_is_one_line(tmp_path):
    first = study(tmp_path, "a", A, QUESTIONS_)
    other = study(tmp_path, "b", A, QUESTIONS_, seeds=(7,))
    with pytest.raises(StudyError, match="no cell and seed in common"):
        compare(first, other)
    with pytest.raises(
        StudyError, match=r"nowhere/tables/impact\.manifest\.json: no such file; give the folder"
    ):
        compare(first, tmp_path / "nowhere")


def test_the_command_prints_differences_of_scores_and_of_manifests(tmp_path, monkeypatch, capsys):
    better = {key: [1.0] * len(values) for key, values in A.items()}
    first = study(tmp_path, "a", A, QUESTIONS_, sampling={"top_p": 0.9, "temperature": 0.7})
    other = study(
        tmp_path, "b", better, QUESTIONS_, sampling={"top_p": 1, "temperature": 0.7}, note="<b>\x1b[31m"
    )
    monkeypatch.setattr(sys, "argv", ["compare", first, other, "--csv", str(tmp_path / "x.csv")])
    assert comparison.main() == 0
    shown = capsys.readouterr().out
    assert "| debate | clean | none | sums | 4 | 25.0 | 100.0 | 75.0 [" in shown
    assert "| config.sampling.top_p | 0.9 | 1 |" in shown and "temperature" not in shown
    assert "<b>" not in shown and "\x1b" not in shown
    assert pd.read_csv(tmp_path / "x.csv")["difference"].max() == 1.0


def test_a_damaged_study_is_not_compared(tmp_path):
    folder = study(tmp_path, "a", A, QUESTIONS_)
    harm(next((tmp_path / "a").glob("seed-1/**/sums.parquet")), "flipped")
    with pytest.raises(StudyError, match=r"sums\.parquet: damaged"):
        compare(folder, folder)


def test_scores_that_are_newer_than_the_tables_are_not_compared(tmp_path):
    folder = study(tmp_path, "a", A, QUESTIONS_)
    path = next((tmp_path / "a").glob("seed-1/**/sums.parquet"))
    kept = read_table(path, RUN_SCORES).to_pydict()
    write_table(path, {**kept, "score": [1.0] * len(kept["id"])}, RUN_SCORES)
    with pytest.raises(
        StudyError, match=r"sums\.parquet: not what the study's tables were made of; run it again"
    ):
        compare(folder, folder)
    assert path.exists()


def test_a_table_is_held_against_its_manifest(tmp_path):
    tables = Path(study(tmp_path, "a", A, QUESTIONS_)) / "tables"
    table, manifest = tables / "impact.csv", tables / "impact.manifest.json"
    check_table(table, manifest)
    harm(table, "truncated")
    with pytest.raises(
        StudyError, match=r"impact\.csv: damaged \(checksum differs from its manifest's\); moved"
    ):
        check_table(table, manifest)
    with pytest.raises(StudyError, match=r"impact\.csv: was damaged and is now"):
        check_table(table, manifest)


def test_a_manifest_says_what_a_table_was_made_of(tmp_path):
    folder = study(tmp_path, "a", A, QUESTIONS_, engine={"device": "cpu", "dtype": "float32"})
    cost = {"rule": "respond", "machine": {"cpu": "z80", "gpus": []}}
    for job in ("x", "y"):
        write_json(tmp_path / "a" / "seed-1" / "costs" / "respond" / f"{job}.json", cost)
    study(tmp_path, "a", A, QUESTIONS_, engine={"device": "cpu", "dtype": "float32"})
    manifest = read_json(f"{folder}/tables/impact.manifest.json")
    assert manifest["config"]["study"] == "a" and manifest["seeds"] == [1]
    assert manifest["engine"] == {"backend": "transformers", "device": "cpu", "dtype": "float32"}
    assert manifest["jobs_of_models"] == [{"cpu": "z80", "gpus": [], "jobs": {"respond": 2}}]
    assert set(manifest["inputs"]) == {str(p) for p in (tmp_path / "a").glob("seed-1/scores/**/*.parquet")}
    assert set(manifest["outputs"]) == {"impact.csv", "impact.md", "impact.tex"}
    assert manifest["packages"]["numpy"] and manifest["machine"]["cores"] >= 1
    assert set(manifest["code"]) == {"digest", "revision", "dirty"}
