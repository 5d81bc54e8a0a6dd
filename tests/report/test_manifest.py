"""What a table was made from, and whether it is still what its manifest says."""

import subprocess
from types import SimpleNamespace

import pytest

from amongus.core.atomic import write_text
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.report.manifest import check_table, revision, write_manifest
from damage import harm
from standins import Named, outputs


def write_table(root, **config):
    """A table of one file of scores, with its manifest; the folder of its study."""
    home, scores = root / "a", root / "a" / "seed-1" / "scores.parquet"
    write_text(scores, "scores")
    made = outputs(f"{home}/tables/impact")
    for path in (made.csv, made.md, made.tex):
        write_text(path, "a table")
    params = Named(design={}, code="0" * 16)
    write_manifest(SimpleNamespace(input=Named(scores=[scores]), output=made, params=params, config=config))
    return home


def test_a_table_is_compared_with_its_manifest(tmp_path):
    tables = write_table(tmp_path) / "tables"
    table, manifest = tables / "impact.csv", tables / "impact.manifest.json"
    check_table(table, manifest)
    harm(table, "truncated")
    with pytest.raises(StudyError, match=r"impact\.csv: damaged \(checksum differs from its manifest's\); moved"):
        check_table(table, manifest)
    with pytest.raises(StudyError, match=r"impact\.csv: was damaged and moved to"):
        check_table(table, manifest)


def test_a_manifest_says_what_a_table_was_made_of(tmp_path):
    config = {"study": "a", "seeds": [1], "engine": {"device": "cpu", "dtype": "float32"}}
    cost = {"rule": "respond", "machine": {"cpu": "z80", "gpus": []}}
    for job in ("x", "y"):
        write_json(tmp_path / "a" / "seed-1" / "costs" / "respond" / f"{job}.json", cost)
    manifest = read_json(write_table(tmp_path, **config) / "tables" / "impact.manifest.json")
    assert manifest["config"] == config and manifest["seeds"] == [1]
    assert manifest["engine"] == {"backend": "transformers", "device": "cpu", "dtype": "float32"}
    assert manifest["jobs_of_models"] == [{"cpu": "z80", "gpus": [], "jobs": {"respond": 2}}]
    assert set(manifest["inputs"]) == {str(tmp_path / "a" / "seed-1" / "scores.parquet")}
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
