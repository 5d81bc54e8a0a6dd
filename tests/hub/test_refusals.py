"""What is refused before its weights are downloaded, from a hub and from a folder alike, in one line."""

import json
import os
import shutil
import struct
from pathlib import Path

import pytest
from huggingface_hub import constants

import fake_hub
from amongus.core.checksums import move_aside
from amongus.core.errors import StudyError
from amongus.hub import client, fetch
from repositories import ADAPTER, BASE, TOKENS, adapter, checkpoint, sharded, weights

COMMIT = "0123456789" * 4


@pytest.fixture(scope="module")
def server():
    with fake_hub.running() as hub:
        yield hub


@pytest.fixture(params=["hub", "folder"])
def refused(request, server, tmp_path, monkeypatch):
    """Fetch a repository's `files`, which must be refused: the line, with no weights written."""
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(client.time, "sleep", lambda seconds: None)

    def refused(files, **wanted):
        wanted = {"repo": BASE, "lora": False, "base": None, **wanted}
        server.asked.clear()
        revision, folder = server.add(wanted["repo"], files), None
        if request.param == "folder":
            folder = str(tmp_path / "repositories")
            for name, content in files.items():
                path = Path(folder, wanted["repo"], name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        with pytest.raises(StudyError) as error:
            fetch.fetch({**wanted, "revision": revision}, folder, tmp_path / "scratch", tmp_path / "out")
        assert not (tmp_path / "out").exists() and "\n" not in str(error.value)
        assert not list((tmp_path / "scratch").rglob("*.safetensors*.part"))
        assert not list((tmp_path / "scratch").rglob("*.safetensors"))
        return str(error.value)

    return refused


def without(files, *names):
    return {name: content for name, content in files.items() if name not in names}


def tokenizer(**changes):
    return json.dumps({"model": {"vocab": {"a": 0}}, **changes}).encode()


LONG = struct.pack("<Q", 1 << 60) + b"{}"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
MODULE = {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            without(checkpoint(), "model.safetensors") | {"pytorch_model.bin": b"x"},
            "no safetensors (no model.safe",
        ),
        (adapter() | {"config.json": b"{}"}, "holds an adapter and no checkpoint; write kind: hub_adapter"),
        (without(checkpoint(), "config.json"), "no config.json"),
        (
            checkpoint(auto_map={"AutoModel": "own.Model"}),
            "config.json has 'auto_map', so it needs remote code",
        ),
        (
            checkpoint() | {"tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["own.T", null]}}'},
            "remote code",
        ),
        (checkpoint() | {"config.json": b"[]"}, "config.json is no JSON object"),
        (checkpoint() | {"config.json": b"{"}, "config.json is not JSON"),
        (checkpoint() | {"generation_config.json": b"[" * 100_000}, "generation_config.json is not JSON"),
        (without(checkpoint(), "tokenizer.json"), "no tokenizer (tokenizer.json, or a vocabulary); give"),
        (checkpoint(tokens=TOKENS + 1), f"the tokenizer has {TOKENS + 1} tokens, the model {TOKENS} rows"),
        (checkpoint() | {"added_tokens.json": b'{"<f>": 6}'}, "the tokenizer has 7 tokens"),
        (checkpoint() | {"tokenizer_config.json": b'{"added_tokens_decoder": {"9": {}}}'}, "has 10 tokens"),
        (checkpoint() | {"tokenizer.json": tokenizer(model={"vocab": [["a", 0.0]] * 9})}, "has 9 tokens"),
        (checkpoint() | {"tokenizer.json": tokenizer(model=7)}, "the tokenizer's files cannot be read"),
        (checkpoint() | {"tokenizer.json": tokenizer(added_tokens=[{"id": "x"}])}, "files cannot be read"),
        (checkpoint(tokens=9, rows=6, vocab_size=99), "the tokenizer has 9 tokens, the model 6 rows"),
        (
            checkpoint(tokens=9, vocab_size=8) | {"model.safetensors": weights({"w": (2, 2)})},
            "the tokenizer has 9 tokens, the model 8 rows",
        ),
        (
            checkpoint() | {"model.safetensors": LONG},
            "model.safetensors is no safetensors file (header longer",
        ),
        (checkpoint() | {"model.safetensors": POINTER}, "model.safetensors is no safetensors file"),
        (checkpoint() | {"model.safetensors": b""}, "model.safetensors is no safetensors file"),
        (
            checkpoint() | {"model.safetensors": checkpoint()["model.safetensors"][:-4]},
            "shorter or longer than its",
        ),
        (checkpoint() | {"model.safetensors": struct.pack("<Q", 2) + b"[]"}, "is no safetensors file"),
        (sharded(norm="../elsewhere.safetensors"), "points at '../elsewhere.safetensors'"),
        (sharded(norm="/etc/passwd"), "points at '/etc/passwd'"),
        (
            sharded(norm="model.bin") | {"model.bin": b"x"},
            "points at 'model.bin', which is no safetensors file",
        ),
        (sharded(norm="model-3.safetensors"), "names model-3.safetensors, which is missing"),
        (sharded() | {"model.safetensors.index.json": b'{"weight_map": {}}'}, "has no weight_map"),
        (sharded() | {"model.safetensors.index.json": b"[]"}, "has no weight_map"),
        (
            checkpoint() | {"modules.json": json.dumps([{**MODULE, "path": "../x"}]).encode()},
            "leaves its folder",
        ),
        (
            checkpoint() | {"modules.json": json.dumps([{**MODULE, "type": "own.Pool"}]).encode()},
            "remote code",
        ),
        (checkpoint() | {"modules.json": b'{"a": 1}'}, "modules.json is no list of modules"),
    ],
)
def test_checkpoints(refused, files, line):
    found = refused(files)
    assert line in found and found.startswith((f"{BASE}@", "/"))


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            adapter(base_model_name_or_path="other/base"),
            f"names the base 'other/base', the study '{BASE}'; give the",
        ),
        (adapter(base_model_name_or_path=None), "names the base 'None'"),
        (adapter(auto_map={"x": "y"}), "'auto_map' is not supported"),
        (adapter(custom_code=True), "'custom_code' is not supported"),
        (
            adapter(auto_mapping={"base_model_class": "M", "parent_library": "transformers_modules.x"}),
            "remote code",
        ),
        (
            adapter(auto_mapping={"base_model_class": "M"}),
            "'auto_mapping' names a class outside transformers",
        ),
        (adapter(peft_type="IA3"), "only peft_type LORA"),
        (adapter(modules_to_save=["lm_head"]), "'modules_to_save' is not supported"),
        (
            without(adapter(), "adapter_model.safetensors") | {"adapter_model.bin": b"x"},
            "no safetensors (no adapter_m",
        ),
        (without(adapter(), "adapter_config.json"), "no adapter_config.json"),
        (adapter() | {"adapter_config.json": b"[]"}, "not the config of a LoRA adapter"),
        (
            adapter() | {"adapter_model.safetensors": POINTER},
            "adapter_model.safetensors is no safetensors file",
        ),
        (checkpoint(), "holds a checkpoint and no adapter; write kind: hub"),
    ],
)
def test_adapters(refused, files, line):
    assert line in refused(files, repo=ADAPTER, lora=True, base=BASE)


@pytest.mark.parametrize("name", ["../out.json", "/etc/x", "a//b", "a/./b", "a\\..\\b", "C:x", "a\nb"])
def test_a_path_that_leaves_its_folder(server, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.asked.clear()
    wanted = {
        "repo": BASE,
        "revision": server.add(BASE, checkpoint() | {name: b"{}"}),
        "lora": False,
        "base": None,
    }
    with pytest.raises(StudyError, match="a path that leaves its folder"):
        fetch.fetch(wanted, None, tmp_path / "scratch", tmp_path / "out")
    assert not server.downloads()


def test_a_config_as_large_as_weights(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setattr(fetch.repository, "_LARGEST_CONFIG", 100)
    wanted = {"repo": BASE, "revision": server.add(BASE, checkpoint()), "lora": False, "base": None}
    with pytest.raises(StudyError, match=r"tokenizer.json has \d+ bytes, too many"):
        fetch.fetch(wanted, None, tmp_path / "scratch", tmp_path / "out")


def local(root, files, commit=None, repo=BASE):
    """A folder as `hf download --local-dir` leaves it, with its records where `commit` is given."""
    for name, content in files.items():
        path, record = root / repo / name, root / repo / ".cache/huggingface/download" / f"{name}.metadata"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if commit:
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(f"{commit}\n{fake_hub.blob(content)}\n0.0\n")
    return root / repo


def from_folder(root, out, repo=BASE):
    wanted = {"repo": repo, "revision": COMMIT, "lora": repo == ADAPTER, "base": None}
    fetch.fetch(wanted, str(root), out.parent / "scratch", out)


@pytest.mark.parametrize("commit", [COMMIT, None])
def test_a_folders_files_are_linked_without_a_network(tmp_path, monkeypatch, commit):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    files = checkpoint() | {"pytorch_model.bin": b"pickle", "own.py": b""}
    path = local(tmp_path / "r", files, commit)
    (path / ".git").mkdir()
    from_folder(tmp_path / "r", tmp_path / "out")
    made = {one.name for one in (tmp_path / "out").iterdir()}
    assert made == {*checkpoint(), "source.json", "fingerprint.json"}
    assert (tmp_path / "out" / "model.safetensors").samefile(path / "model.safetensors")
    local(tmp_path / "r", adapter(), commit, ADAPTER)
    from_folder(tmp_path / "r", tmp_path / "out", ADAPTER)
    assert (tmp_path / "out" / "adapter_config.json").exists()


def test_damage_in_a_folder_without_records_is_not_taken_for_what_is_meant(tmp_path):
    path, out = local(tmp_path / "r", checkpoint()), tmp_path / "out"
    from_folder(tmp_path / "r", out)
    mirrored = path / "model.safetensors"
    content = mirrored.read_bytes()
    mirrored.write_bytes(content[:-1] + bytes([content[-1] ^ 4]))  # One file, under two names.
    aside = move_aside(out)
    with pytest.raises(
        StudyError, match=rf"model\.safetensors is not what it was .* remove {aside} if this one"
    ):
        from_folder(tmp_path / "r", out)
    assert not out.exists()
    shutil.rmtree(aside)
    from_folder(tmp_path / "r", out)


def test_a_folder_that_cannot_be_linked_is_copied(tmp_path, monkeypatch):
    def elsewhere(*arguments):
        raise OSError("Invalid cross-device link")

    path = local(tmp_path / "r", checkpoint())
    monkeypatch.setattr(os, "link", elsewhere)
    from_folder(tmp_path / "r", tmp_path / "out")
    made = tmp_path / "out" / "config.json"
    assert made.read_bytes() == checkpoint()["config.json"] and not made.samefile(path / "config.json")


def test_folders_that_are_not_what_is_pinned(tmp_path):
    def line(change, message):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        change(local(root, checkpoint(), COMMIT))
        with pytest.raises(StudyError, match=message) as error:
            from_folder(root, tmp_path / "out")
        assert "\n" not in str(error.value) and not (tmp_path / "out").exists()

    flipped = checkpoint(extra=1)["config.json"]
    line(
        lambda path: (path / "config.json").write_bytes(flipped),
        r"config.json: git's sha1 differs.*download it",
    )
    record = ".cache/huggingface/download/config.json.metadata"
    line(lambda path: (path / record).write_text("abc\nx\n0\n"), f"at commit abc, the study pins {COMMIT}")
    secret = tmp_path / "secret"
    secret.write_text("{}")
    line(lambda path: (path / "x.json").symlink_to(secret), "x.json: a link that leaves its folder")
    line(lambda path: (path / "x.json").symlink_to(tmp_path / "none"), "a link that leaves its folder")
    line(lambda path: (path / "1_Pooling").symlink_to("/etc"), "1_Pooling: a link that leaves its folder")
    with pytest.raises(
        StudyError, match=rf"owner/base: no such folder; .*hf download {BASE} --revision {COMMIT}"
    ):
        from_folder(tmp_path / "empty", tmp_path / "out")


def test_links_within_a_folder_are_followed(tmp_path):
    path = local(tmp_path / "r", checkpoint())
    (path / "model.safetensors").rename(path / "blob")
    (path / "model.safetensors").symlink_to("blob")
    from_folder(tmp_path / "r", tmp_path / "out")
    made = tmp_path / "out" / "model.safetensors"
    assert made.samefile(path / "blob") and not made.is_symlink()
