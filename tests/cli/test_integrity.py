"""`make verify`: every kind of damage in every kind of file, named; nothing moved unless asked."""

import errno
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from amongus.cli import integrity
from amongus.core.checksums import write_sums
from amongus.core.errors import StudyError
from amongus.core.json_files import write_json
from amongus.core.tables import SCORES, write_table
from amongus.inference.answer_cache import Store
from amongus.members.member import write_fingerprint
from damage import harm

HOME = "results/s/seed-1"
MODEL = f"{HOME}/models/base"
FILES = {
    f"{HOME}/scores/runs/sums.parquet": None,
    f"{HOME}/members/m.json": None,
    f"{HOME}/vectors/steering.safetensors": None,
    f"{MODEL}/model.safetensors": MODEL,
    f"{MODEL}/1_Pooling/vocab.txt": MODEL,
    f"{MODEL}/fingerprint.json": MODEL,
    f"{MODEL}/team.json": MODEL,
    "results/s/tables/impact.csv": None,
}
SHARD = "results/store/f/*.parquet"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A study of one file of each kind and a store of one shard, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    write_table(f"{HOME}/scores/runs/sums.parquet", {"id": ["a"], "score": [1.0], "reason": [""]}, SCORES)
    write_json(f"{HOME}/members/m.json", {"name": "m"})
    save_file({"v": np.ones(3, np.float32)}, f"{HOME}/vectors/steering.safetensors")
    save_file({"w": np.ones((4, 4), np.float32)}, f"{MODEL}/model.safetensors")
    Path(MODEL, "1_Pooling", "vocab.txt").write_text("some words")
    write_fingerprint(MODEL)
    write_json(f"{MODEL}/team.json", {"masked": None})
    Path("results/s/tables/impact.csv").write_text("a,b")
    write_sums("results/s/checksums/impact.sha256", ["results/s/tables/impact.csv"])
    write_sums(f"{HOME}/checksums/train/base.sha256", [MODEL])
    alone = [name for name, folder in FILES.items() if folder is None and name.startswith(HOME)]
    write_sums(f"{HOME}/checksums/others.sha256", alone)
    store = Store("results/store")
    store.put("f", "k", ("text", 1, "stop"))
    store.flush()
    return tmp_path / "results"


@pytest.fixture
def verify(results, monkeypatch, capsys):
    """Runs the command in that folder; returns its status and the lines that it prints."""

    def verify(*arguments):
        monkeypatch.setattr(sys, "argv", ["verify", *arguments])
        return integrity.main(), capsys.readouterr().out.splitlines()

    return verify


def test_what_is_whole_passes(verify):
    assert verify() == (0, ["8 files and results/store: nothing is damaged"])


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
@pytest.mark.parametrize("name", [*FILES, SHARD])
def test_every_damage_is_named_and_moved_only_when_asked(results, verify, name, damage):
    (path,) = Path().glob(name)
    if (name, damage) == (SHARD, "flipped"):
        content = path.read_bytes()
        path.write_bytes(content.replace(b"sha256", b"sha257"))
    else:
        harm(path, damage)
    aside = Path(FILES.get(name) or path)
    before = sorted(results.rglob("*"))
    status, (first, *_, last) = verify()
    assert status == 1 and first.startswith(f"{path}: damaged (") and "make verify MOVE=1 moves" in first
    assert last.startswith("1 damaged.")
    assert sorted(results.rglob("*")) == before
    assert verify("--move")[0] == 1
    assert not aside.exists() and aside.with_name(aside.name + ".damaged").exists()
    assert verify()[0] == 0


def test_several_files_of_a_model_are_several_lines_and_one_move_and_its_answers_are_suspect(verify):
    harm(Path(MODEL, "model.safetensors"), "flipped")
    Path(MODEL, "1_Pooling", "vocab.txt").unlink()
    _, lines = verify("--move")
    assert "vocab.txt: damaged (missing)" in lines[0] and "model.safetensors: damaged (checksum" in lines[1]
    assert lines[2].startswith(f"{MODEL}: answers of its damaged weights may be in results/store")
    assert [path.name for path in Path(MODEL).parent.iterdir()] == ["base.damaged"]


def test_what_did_not_answer_makes_no_answers_suspect(verify):
    for name in (f"{MODEL}/team.json", f"{HOME}/vectors/steering.safetensors"):
        harm(Path(name), "flipped")
    assert not any("answers of" in line for line in verify()[1])


def test_outputs_that_are_gone_are_no_damage(verify):
    Path(f"{HOME}/members/m.json").unlink()
    shutil.rmtree(MODEL)
    assert verify()[0] == 0


def test_of_two_jobs_that_made_a_file_the_later_counts(verify):
    write_json(f"{HOME}/members/m.json", {"name": "another"})
    later = Path(f"{HOME}/checksums/all.sha256")
    write_sums(later, [f"{HOME}/members/m.json"])
    os.utime(later, (2**31, 2**31))
    assert verify()[0] == 0
    os.utime(later, (0, 0))
    assert verify()[0] == 1


def test_one_study_and_its_store_alone(verify):
    write_json("results/other/m.json", {})
    write_sums("results/other/checksums/m.sha256", ["results/other/m.json"])
    harm(Path("results/other/m.json"), "empty")
    Path("study.yaml").write_text("study: s\nstore: elsewhere\n")
    assert verify("--config", "study.yaml") == (0, ["8 files and elsewhere: nothing is damaged"])
    Path("study.yaml").write_text("study: other\n")
    assert verify("--config", "study.yaml")[0] == 1
    Path("study.yaml").write_text("study: none\n")
    with pytest.raises(StudyError, match="results/none: no checksums here to verify"):
        verify("--config", "study.yaml")


def test_a_damaged_list_is_named(verify):
    harm(Path(f"{HOME}/checksums/train/base.sha256"), "truncated")
    with Path(f"{HOME}/checksums/train/base.sha256").open("a") as file:
        file.write("\nhalf")
    with pytest.raises(StudyError, match=f"^{HOME}/checksums/train/base.sha256: damaged list of checksums"):
        verify()


def test_what_cannot_be_checked_is_named_and_never_moved(verify, monkeypatch):
    def broken(path):
        if path.name == "m.json":
            raise OSError(errno.EIO, "Input/output error")
        return hashed(path)

    hashed = integrity.hash_file
    monkeypatch.setattr(integrity, "hash_file", broken)
    Path("results/store/f").chmod(0o770)
    status, lines = verify("--move")
    assert status == 1 and lines[0].startswith(f"{HOME}/members/m.json: cannot be read (Input/output error)")
    assert lines[1].startswith("results/store/f: others may write here")
    assert lines[2:] == ["2 not checked, and not moved."]
    assert Path(f"{HOME}/members/m.json").exists() and Path("results/store/f").exists()


def test_nothing_is_moved_while_a_run_is_at_work(verify):
    harm(Path(f"{HOME}/members/m.json"), "empty")
    Path(".snakemake/locks").mkdir(parents=True)
    Path(".snakemake/locks/0.input.lock").touch()
    with pytest.raises(StudyError, match="Snakemake is running in this folder"):
        verify("--move")
    assert Path(f"{HOME}/members/m.json").exists()
    assert verify()[0] == 1


def test_a_study_and_a_store_may_be_links_to_another_disk(results, verify):
    for name in ("s", "store"):
        (results / name).rename(results.parent / name)
        (results / name).symlink_to(results.parent / name)
    harm(Path(f"{HOME}/members/m.json"), "empty")
    harm(next(Path().glob(SHARD)), "empty")
    assert [": damaged (" in line for line in verify()[1]] == [True, True, False]


def test_what_may_not_be_moved_is_named_and_the_rest_is_moved(verify, monkeypatch):
    def closed(path):
        if path.name == "m.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        return moved(path)

    moved = integrity.move_aside
    monkeypatch.setattr(integrity, "move_aside", closed)
    for name in (f"{HOME}/members/m.json", "results/s/tables/impact.csv"):
        harm(Path(name), "empty")
    status, lines = verify("--move")
    assert status == 1 and "m.json cannot be moved aside (Permission denied)" in lines[0]
    assert not Path("results/s/tables/impact.csv").exists()
