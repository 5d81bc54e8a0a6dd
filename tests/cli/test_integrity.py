"""`make verify`: every kind of damage in every kind of file, named; nothing moved unless asked."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from amongus.cli import integrity
from amongus.cli.integrity import verify
from amongus.core.checksums import seal_safetensors
from amongus.core.errors import StudyError
from amongus.core.json_files import write_json
from amongus.core.tables import SCORES, write_table
from amongus.inference.answer_cache import Store
from amongus.members.member import write_fingerprint
from amongus.report.manifest import revision
from checkout import ROOT
from damage import harm
from study_results import write_study

MODEL = "s/seed-1/models/base"
FILES = {
    "s/datasets/sums/test.parquet": None,
    "s/seed-1/scores/runs/clean/debate/sums.parquet": None,
    "s/seed-1/members/m.json": None,
    "s/seed-1/costs/train/base.json": None,
    "s/seed-1/vectors/steering.safetensors": None,
    f"{MODEL}/model.safetensors": MODEL,
    f"{MODEL}/1_Pooling/vocab.txt": MODEL,
    f"{MODEL}/metrics.json": MODEL,
    f"{MODEL}/fingerprint.json": MODEL,
    f"{MODEL}/team.json": MODEL,
    "s/tables/impact.csv": None,
    "s/tables/impact.manifest.json": None,
    "store/f/*.parquet": None,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Results of everything that carries a checksum."""
    root = tmp_path_factory.mktemp("whole") / "results"
    write_study(root, "s")
    home = root / "s" / "seed-1"
    write_json(home / "members" / "m.json", {"name": "m"})
    write_json(home / "costs" / "train" / "base.json", {"rule": "train"})
    model = root / MODEL
    (model / "1_Pooling").mkdir(parents=True)
    (model / "1_Pooling" / "vocab.txt").write_text("some words")
    (model / "config.json").write_text("{}")
    save_file({"w": np.ones((4, 4), np.float32)}, model / "model.safetensors")
    write_json(model / "metrics.json", {"loss": 0.5})
    write_fingerprint(model)
    write_json(model / "team.json", {"masked": None})
    (home / "vectors").mkdir()
    save_file({"v": np.ones(3, np.float32)}, home / "vectors" / "steering.safetensors")
    seal_safetensors(home / "vectors" / "steering.safetensors")
    (home / "logs").mkdir()
    (home / "logs" / "x.log").write_text("carries no checksum")
    store = Store(root / "store")
    store.put("f", "k", ("text", 1, "stop"))
    store.flush()
    return root


@pytest.fixture
def results(whole, tmp_path, monkeypatch):
    """A copy of them, in the current folder."""
    shutil.copytree(whole, tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results"


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["verify", *arguments])
    return integrity.main()


def test_what_is_whole_passes(results, monkeypatch, capsys):
    assert command(monkeypatch) == 0
    assert capsys.readouterr().out == "results: nothing is damaged\n"


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
@pytest.mark.parametrize("name", FILES)
def test_every_damage_is_named_and_moved_only_when_asked(results, monkeypatch, capsys, name, damage):
    (path,) = results.glob(name)
    harm(path, damage)
    aside = results / (FILES[name] or path.relative_to(results))
    before = sorted(results.rglob("*"))
    assert command(monkeypatch) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    shown = path.relative_to(results.parent)
    assert first.startswith(f"{shown}: damaged (") and "make verify MOVE=1 moves" in first
    assert last.startswith("1 damaged.")
    assert sorted(results.rglob("*")) == before
    assert command(monkeypatch, "--move") == 1
    assert not aside.exists() and aside.with_name(aside.name + ".damaged").exists()
    capsys.readouterr()
    assert command(monkeypatch) == 0


def test_several_files_of_a_model_are_several_lines_and_one_move(results, monkeypatch, capsys):
    harm(results / MODEL / "model.safetensors", "flipped")
    (results / MODEL / "1_Pooling" / "vocab.txt").unlink()
    assert command(monkeypatch, "--move") == 1
    lines = capsys.readouterr().out.splitlines()
    assert "vocab.txt: damaged (missing)" in lines[0] and "model.safetensors: damaged (checksum" in lines[1]
    assert [path.name for path in (results / "s/seed-1/models").iterdir()] == ["base.damaged"]


@pytest.mark.parametrize("options", [(), ("--move",)])
def test_of_flipped_weights_it_is_said_that_their_answers_may_be_in_the_store(
    results, monkeypatch, capsys, options
):
    harm(results / MODEL / "model.safetensors", "flipped")
    assert command(monkeypatch, *options) == 1
    told = capsys.readouterr().out.splitlines()[1]
    assert told.startswith(f"results/{MODEL}: answers given by its damaged weights may be in results/store")
    assert "remove results/store before you run the study again" in told


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "../../vectors/steering.safetensors"])
def test_of_what_cannot_have_answered_it_is_not_said(results, monkeypatch, capsys, name):
    path = results / MODEL / name
    if path.name == "model.safetensors":
        path.unlink()
    else:
        harm(path, "flipped")
    assert command(monkeypatch) == 1
    assert "answers given" not in capsys.readouterr().out


def test_one_study_and_its_store_alone(results, tmp_path, monkeypatch, capsys):
    shutil.copytree(results / "s", results / "other")
    harm(results / "other" / "seed-1" / "members" / "m.json", "empty")
    Store(tmp_path / "elsewhere").flush()
    (tmp_path / "study.yaml").write_text("study: s\n")
    assert command(monkeypatch, "--config", "study.yaml") == 0
    assert capsys.readouterr().out == "results/s and results/store: nothing is damaged\n"
    (tmp_path / "study.yaml").write_text("study: other\n")
    assert command(monkeypatch, "--config", "study.yaml") == 1
    (tmp_path / "study.yaml").write_text("study: none\n")
    with pytest.raises(StudyError, match="results/none: there is nothing here to verify"):
        command(monkeypatch, "--config", "study.yaml")


def test_what_is_refused_in_the_store_is_named_and_never_moved(results, monkeypatch, capsys):
    (shard,) = results.glob("store/f/*.parquet")
    shard.chmod(0o660)
    assert command(monkeypatch, "--move") == 1
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{shard.relative_to(results.parent)}: may be written by others, refused;")
    assert last.startswith("1 not checked, and not moved.") and shard.exists()
    # With the group that shares it, nothing is wrong.
    (results.parent / "study.yaml").write_text(f"study: s\nstore_group: '{shard.stat().st_gid}'\n")
    assert command(monkeypatch, "--move", "--config", "study.yaml") == 0


def test_what_the_system_does_not_let_be_read_is_named_and_never_moved(results, monkeypatch, capsys):
    path = results / "s" / "seed-1" / "members" / "m.json"
    shut = results / "store" / "f"
    read, scan = Path.read_bytes, os.scandir

    def broken(self):
        if self.name == path.name:
            raise OSError(errno.EIO, "Input/output error")
        return read(self)

    def barred(folder):
        if str(folder).endswith("store/f"):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(Path, "read_bytes", broken)
    monkeypatch.setattr(os, "scandir", barred)
    assert command(monkeypatch, "--move") == 1
    said = capsys.readouterr().out
    assert "results/store/f: cannot be read (Permission denied)\n" in said
    assert "members/m.json: cannot be read (Input/output error)\n" in said
    assert "2 not checked" in said and "damaged" not in said
    assert path.exists() and shut.exists()


def test_what_is_being_written_is_passed_over(results):
    write_table(results / ".x.parquet.abc", {"id": ["a"], "score": [0.0], "reason": [""]}, SCORES)
    (results / "s" / ".tmp").mkdir()
    (results / "s" / ".tmp" / "half.parquet").write_bytes(b"PAR1")
    assert verify(results, results / "store") == []


@pytest.mark.parametrize(
    "name",
    [
        "s/seed-1/scratch/attacker.0123456789ab/checkpoint-4/trainer_state.json",
        "s/seed-1/scratch/attacker.0123456789ab/checkpoint-4/model.safetensors",
        "s/data/tulu.parquet.partial/main/train.parquet",
        "s/hub/.partial/base/owner--base@main/model.safetensors",
    ],
)
def test_trainings_and_downloads_that_will_go_on_are_passed_over(results, monkeypatch, name):
    (results / name).parent.mkdir(parents=True)
    (results / name).write_text("{}")
    assert command(monkeypatch, "--move") == 0
    assert (results / name).exists()


def test_what_is_only_called_like_scratch_is_checked(results, monkeypatch):
    write_json(results / "s" / "seed-1" / "members" / "scratch" / "m.json", {"name": "m"})
    harm(results / "s" / "seed-1" / "members" / "scratch" / "m.json", "empty")
    assert command(monkeypatch) == 1


def test_nothing_is_moved_while_snakemake_runs(results, monkeypatch, capsys):
    harm(results / "s" / "seed-1" / "members" / "m.json", "empty")
    lock = results.parent / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(StudyError, match="Snakemake is running in this folder"):
        command(monkeypatch, "--move")
    assert (results / "s" / "seed-1" / "members" / "m.json").exists()
    assert command(monkeypatch) == 1 and "damaged (empty file)" in capsys.readouterr().out


def test_folders_that_are_links_are_checked_once(results, monkeypatch, capsys):
    for name in ("s", "store"):
        (results / name).rename(results.parent / name)
        (results / name).symlink_to(results.parent / name)
    (results / "round").symlink_to(results)
    harm(results / "s" / "seed-1" / "members" / "m.json", "empty")
    harm(next(results.glob("store/f/*.parquet")), "flipped")
    (results.parent / "theirs").mkdir()
    (results.parent / "theirs" / "package.json").write_text("{}")
    assert command(monkeypatch) == 1
    assert capsys.readouterr().out.count(": damaged (") == 2
    # Not by any link: what is moved aside should be ours.
    (results / "s" / "notes").symlink_to(results.parent / "theirs")
    assert command(monkeypatch, "--move") == 1
    said = capsys.readouterr().out
    assert said.count(": damaged (") == 2 and "notes: a link to a folder, not followed" in said
    assert (results.parent / "theirs" / "package.json").exists()


def test_what_may_not_be_moved_is_said_and_the_rest_is_moved(results, monkeypatch, capsys):
    def closed(path):
        if path.name == "base.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        return moved(path)

    moved = integrity.checksums.move_aside
    monkeypatch.setattr(integrity.checksums, "move_aside", closed)
    for name in ("costs/train/base.json", "members/m.json"):
        harm(results / "s" / "seed-1" / name, "empty")
    assert command(monkeypatch, "--move") == 1
    assert "base.json cannot be moved aside (Permission denied)" in capsys.readouterr().out
    assert not (results / "s" / "seed-1" / "members" / "m.json").exists()


def test_no_model_is_loaded():
    code = "import sys, amongus.cli.integrity; print('torch' in sys.modules, 'pandas' in sys.modules)"
    folder = ROOT / "workflow" / "scripts"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True
    )
    assert shown.stdout == "False False\n"


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
