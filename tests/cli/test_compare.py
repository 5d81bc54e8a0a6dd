"""Two studies side by side, small enough to work out by hand."""

import sys

import pandas as pd
import pytest

from amongus.cli import compare
from amongus.cli.compare import COMPARED, differences
from amongus.core.errors import StudyError
from amongus.core.tables import RUN_SCORES, read_table, write_table
from amongus.report.manifest import read_manifest
from damage import harm
from scored import pick
from study_results import PROMPTS, SCORES_, write_study


def test_pairs_are_the_same_questions_of_teams_that_both_have(tmp_path):
    b = {
        ("clean", "debate", "sums"): [1.0, 1.0, 1.0, 1.0],
        ("clean", "debate", "facts"): [1.0, 0.0],
        ("clean", "fusion", "facts"): [1.0, 1.0],
    }
    # The last id of B has another prompt, and its seed 2 is not A's.
    changed = {**PROMPTS, "sums": [*PROMPTS["sums"][:3], "9+9?"]}
    other = write_study(tmp_path, "b", b, changed, seeds=(1, 2))
    table = compare.compare(write_study(tmp_path, "a"), other)
    assert list(table.columns) == COMPARED
    assert set(table["pool"]) == {"clean"} and set(table["method"]) == {"debate"}
    sums = pick(table, dataset="sums")
    assert (sums["n"], sums["seeds"], sums["a"], sums["b"], sums["difference"]) == (3, 1, 0.0, 1.0, 1.0)
    # Exact McNemar of three discordant pairs is 1/4; Holm over two datasets.
    assert sums["p_value"] == pytest.approx(0.5)
    facts = pick(table, dataset="facts")
    assert facts["difference"] == -0.5 and facts["difference_low"] <= -0.5 <= facts["difference_high"]
    # Datasets have the same weight.
    assert pick(table, dataset="all")["difference"] == pytest.approx(0.25)


def test_a_study_does_not_differ_from_itself(tmp_path):
    folder = write_study(tmp_path, "a")
    table = compare.compare(folder, folder)
    assert (table["difference"] == 0).all() and (table["p_value"] == 1).all() and len(table) == 5
    assert not differences(read_manifest(folder, "impact"), read_manifest(folder, "impact"))


def test_nothing_in_common_is_one_line(tmp_path):
    first = write_study(tmp_path, "a")
    with pytest.raises(StudyError, match="no scores in common"):
        compare.compare(first, write_study(tmp_path, "b", seeds=(7,)))
    with pytest.raises(StudyError, match=r"nowhere/tables/impact\.manifest\.json: no such file"):
        compare.compare(first, tmp_path / "nowhere")


def test_the_command_prints_differences_of_scores_and_of_manifests(tmp_path, monkeypatch, capsys):
    better = {team: [1.0] * len(values) for team, values in SCORES_.items()}
    first = write_study(tmp_path, "a", sampling={"top_p": 0.9, "temperature": 0.7})
    sampling = {"top_p": 1, "temperature": 0.7}
    other = write_study(tmp_path, "b", better, sampling=sampling, note="<b>\x1b[31m")
    monkeypatch.setattr(sys, "argv", ["compare", first, other, "--csv", str(tmp_path / "x.csv")])
    assert compare.main() == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("| debate | clean | none | sums | 4 | 25.0 | 100.0 | 75.0 [") for line in shown)
    assert "| config.sampling.top_p | 0.9 | 1 |" in shown
    assert not any(bad in line for line in shown for bad in ("temperature", "<b>", "\x1b"))
    assert pd.read_csv(tmp_path / "x.csv")["difference"].max() == 1.0


def test_a_damaged_study_is_not_compared(tmp_path):
    folder = write_study(tmp_path, "a")
    harm(next((tmp_path / "a").glob("seed-1/**/sums.parquet")), "truncated")
    with pytest.raises(StudyError, match=r"sums\.parquet: damaged"):
        compare.compare(folder, folder)


def test_scores_that_are_newer_than_the_tables_are_not_compared(tmp_path):
    folder = write_study(tmp_path, "a")
    path = next((tmp_path / "a").glob("seed-1/**/sums.parquet"))
    table = read_table(path, RUN_SCORES).to_pydict()
    write_table(path, {**table, "score": [0.5] * len(table["id"])}, RUN_SCORES)
    with pytest.raises(StudyError, match=r"sums\.parquet: newer than the study's tables"):
        compare.compare(folder, folder)
