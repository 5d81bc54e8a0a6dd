"""What a table was made from, and whether it is still what its manifest says."""

import subprocess
from pathlib import Path

import pytest

from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.report.manifest import check_table, revision
from damage import harm
from study_results import write_study


def test_a_table_is_compared_with_its_manifest(tmp_path):
    tables = Path(write_study(tmp_path, "a")) / "tables"
    table, manifest = tables / "impact.csv", tables / "impact.manifest.json"
    check_table(table, manifest)
    harm(table, "truncated")
    with pytest.raises(StudyError, match=r"impact\.csv: damaged \(checksum differs from its manifest's\); moved"):
        check_table(table, manifest)
    with pytest.raises(StudyError, match=r"impact\.csv: was damaged and moved to"):
        check_table(table, manifest)


def test_a_manifest_says_what_a_table_was_made_of(tmp_path):
    folder = write_study(tmp_path, "a", engine={"device": "cpu", "dtype": "float32"})
    cost = {"rule": "respond", "machine": {"cpu": "z80", "gpus": []}}
    for job in ("x", "y"):
        write_json(tmp_path / "a" / "seed-1" / "costs" / "respond" / f"{job}.json", cost)
    write_study(tmp_path, "a", engine={"device": "cpu", "dtype": "float32"})
    manifest = read_json(f"{folder}/tables/impact.manifest.json")
    assert manifest["config"]["study"] == "a" and manifest["seeds"] == [1]
    assert manifest["engine"] == {"backend": "transformers", "device": "cpu", "dtype": "float32"}
    assert manifest["jobs_of_models"] == [{"cpu": "z80", "gpus": [], "jobs": {"respond": 2}}]
    assert set(manifest["inputs"]) == {str(p) for p in (tmp_path / "a").glob("seed-1/scores/**/*.parquet")}
    assert set(manifest["outputs"]) == {"impact.csv", "impact.md", "impact.tex"}
    assert manifest["packages"]["numpy"] and manifest["machine"]["cores"] >= 1
    assert set(manifest["code"]) == {"digest", "revision", "dirty"}


def test_the_revision_is_gits_or_nothing(tmp_path):
    assert revision(tmp_path) == {"revision": None, "dirty": None}


def test_files_that_git_does_not_track_do_not_make_the_code_another(tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "code.py").write_text("1")
    for command in (["init", "-q"], ["add", "code.py"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    (tmp_path / "notes.txt").write_text("mine")
    assert revision(tmp_path)["dirty"] is False
    (tmp_path / "code.py").write_text("2")
    assert revision(tmp_path)["dirty"] is True
