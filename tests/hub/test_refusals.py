"""What is refused before its weights are downloaded, from a hub and from a folder alike, in one line."""

import json
import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest

import fake_hub
from amongus.core.errors import StudyError
from amongus.hub import fetch
from amongus.hub.training_data import data
from repositories import ADAPTER, BASE, adapter, checkpoint, sharded, weights

COMMIT = "0123456789" * 4
DATA = "datasets/owner/rows"


@pytest.fixture(params=["hub", "folder"])
def refused(request, hub, tmp_path):
    """Fetch a repository's `files`, which must be refused: the line, with no weights written."""

    def refused(files, **wanted):
        wanted = {"repo": BASE, "lora": False, "base": None, **wanted}
        revision, folder = hub.add(wanted["repo"], files), None
        if request.param == "folder":
            folder = tmp_path / "repositories"
            local(folder, files, repo=wanted["repo"])
        with pytest.raises(StudyError) as error:
            fetch.fetch({**wanted, "revision": revision}, folder, tmp_path / "scratch", tmp_path / "out")
        assert not (tmp_path / "out").exists() and "\n" not in str(error.value)
        assert not list((tmp_path / "scratch").rglob("*.safetensors"))
        return str(error.value)

    return refused


def without(files, *names):
    return {name: content for name, content in files.items() if name not in names}


def with_json(name, content, files=None):
    return (files or checkpoint()) | {name: json.dumps(content).encode()}


def with_weights(content):
    return checkpoint() | {"model.safetensors": content}


INDEX = "model.safetensors.index.json"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
MODULE = {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
FOREIGN = {"base_model_class": "M", "parent_library": "transformers_modules.x"}
OTHER_FORMAT = {"pytorch_model.bin": b"x", "adapter_model.bin": b"x"}

CHECKPOINTS = [
    ("no safetensors (no model.safetensors)", without(checkpoint(), "model.safetensors") | OTHER_FORMAT),
    ("holds an adapter and no checkpoint; write kind: hub_adapter", adapter() | {"config.json": b"{}"}),
    ("no config.json", without(checkpoint(), "config.json")),
    ("config.json has 'auto_map', so it needs remote code", checkpoint(auto_map={"AutoModel": "own.Model"})),
    ("remote code", with_json("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.T", None]}})),
    ("config.json is not a JSON object", with_json("config.json", [])),
    ("config.json is not JSON", checkpoint() | {"config.json": b"{"}),
    ("generation_config.json is not JSON", checkpoint() | {"generation_config.json": b"[" * 100_000}),
    ("no tokenizer", without(checkpoint(), "tokenizer.json")),
    ("model.safetensors is not a safetensors file", with_weights(struct.pack("<Q", 1 << 60) + b"{}")),
    ("is not a safetensors file", with_weights(struct.pack("<Q", 2) + b"[]")),
    ("is not a safetensors file", with_weights(POINTER)),
    ("is not a safetensors file", with_weights(b"")),
    ("is not a safetensors file", with_weights(checkpoint(rows=100)["model.safetensors"][:-400])),
    ("points at '../elsewhere.safetensors'", sharded(norm="../elsewhere.safetensors")),
    ("points at '/etc/passwd'", sharded(norm="/etc/passwd")),
    ("points at 'model.bin', which is not a safetensors", sharded(norm="model.bin") | {"model.bin": b"x"}),
    ("names model-3.safetensors, which is missing", sharded(norm="model-3.safetensors")),
    ("has no weight_map", with_json(INDEX, {"weight_map": {}}, sharded())),
    ("has no weight_map", with_json(INDEX, [], sharded())),
    ("leaves its folder", with_json("modules.json", [{**MODULE, "path": "../x"}])),
    ("remote code", with_json("modules.json", [{**MODULE, "type": "own.Pool"}])),
    ("modules.json is not a list of modules", with_json("modules.json", {"a": 1})),
]
ADAPTERS = [
    ("names the base 'other/base', the study 'owner/base'", adapter(base_model_name_or_path="other/base")),
    ("names the base 'None'", adapter(base_model_name_or_path=None)),
    ("'auto_map' is not supported", adapter(auto_map={"x": "y"})),
    ("'custom_code' is not supported", adapter(custom_code=True)),
    ("remote code", adapter(auto_mapping=FOREIGN)),
    ("names a class outside transformers", adapter(auto_mapping={"base_model_class": "M"})),
    ("only peft_type LORA", adapter(peft_type="IA3")),
    ("'modules_to_save' is not supported", adapter(modules_to_save=["lm_head"])),
    ("no safetensors", without(adapter(), "adapter_model.safetensors") | OTHER_FORMAT),
    ("no adapter_config.json", without(adapter(), "adapter_config.json")),
    ("not the config of a LoRA adapter", with_json("adapter_config.json", [], adapter())),
    ("is not a safetensors file", adapter() | {"adapter_model.safetensors": POINTER}),
    ("embeddings and whole layers", adapter() | {"adapter_model.safetensors": weights({"x.lora_embedding_A": (1, 2)})}),
    ("holds a checkpoint and no adapter; write kind: hub", checkpoint()),
]


@pytest.mark.parametrize(("line", "files"), CHECKPOINTS)
def test_checkpoints(refused, line, files):
    found = refused(files)
    assert line in found and found.startswith((f"{BASE}@", "/"))


@pytest.mark.parametrize(("line", "files"), ADAPTERS)
def test_adapters(refused, line, files):
    assert line in refused(files, repo=ADAPTER, lora=True, base=BASE)


def test_an_upload_that_lacks_its_last_bytes(hub, tmp_path):
    """Only the whole file shows this; the header alone does not."""
    files = checkpoint() | {"model.safetensors": checkpoint()["model.safetensors"][:-4]}
    wanted = {"repo": BASE, "revision": hub.add(BASE, files), "lora": False, "base": None}
    with pytest.raises(StudyError, match=f"{BASE}@.*model.safetensors is not a safetensors file"):
        fetch.fetch(wanted, None, tmp_path / "scratch", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../x.json", "/tmp/x.json", "C:x.json", "..\\x.json", "1/../../x.json"])
def test_nothing_is_written_outside_the_folder(hub, tmp_path, name):
    inside = tmp_path / "1"
    wanted = {"repo": BASE, "revision": hub.add(BASE, checkpoint() | {name: b"{}"}), "lora": False, "base": None}
    with suppress(StudyError):  # Most are no files of a checkpoint, the others refused.
        fetch.fetch(wanted, None, inside / "scratch", inside / "out")
    spec = {"repo": DATA, "revision": hub.add(DATA, {name: b"{}"})}
    with pytest.raises(StudyError, match="Invalid filename"):
        data(spec, None, inside / "scratch")
    assert not list(tmp_path.rglob("*x.json")) and not Path("/tmp/x.json").exists()


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
def test_a_folder_needs_no_network(tmp_path, monkeypatch, commit):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    files = checkpoint() | {"pytorch_model.bin": b"pickle", "own.py": b""}
    path = local(tmp_path / "r", files, commit)
    (path / ".git").mkdir()
    from_folder(tmp_path / "r", tmp_path / "out")
    made = {one.name for one in (tmp_path / "out").iterdir()}
    assert made == {*checkpoint(), "source.json", "fingerprint.json"}
    # Without a checksum, damage to the only file under two names would go unseen.
    assert (tmp_path / "out" / "model.safetensors").samefile(path / "model.safetensors") == bool(commit)
    local(tmp_path / "r", adapter(), commit, ADAPTER)
    from_folder(tmp_path / "r", tmp_path / "out", ADAPTER)
    assert (tmp_path / "out" / "adapter_config.json").exists()


def test_a_folder_that_cannot_be_linked_is_copied(tmp_path, monkeypatch):
    def elsewhere(*arguments):
        raise OSError("Invalid cross-device link")

    path = local(tmp_path / "r", checkpoint(), COMMIT)
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

    line(lambda path: (path / "config.json").write_bytes(b"{}"), "config.json differs from its checksum")
    record = ".cache/huggingface/download/config.json.metadata"
    line(lambda path: (path / record).write_text("abc\nx\n0\n"), f"at commit abc, the study pins {COMMIT}")
    secret = tmp_path / "secret"
    secret.write_text("{}")
    line(lambda path: (path / "x.json").symlink_to(secret), "x.json: a link that leaves its folder")
    line(lambda path: (path / "x.json").symlink_to(tmp_path / "none"), "a link that leaves its folder")
    line(lambda path: (path / "1_Pooling").symlink_to("/etc"), "1_Pooling: a link that leaves its folder")
    with pytest.raises(StudyError, match=rf"no such folder; .*hf download {BASE} --revision {COMMIT}"):
        from_folder(tmp_path / "empty", tmp_path / "out")


def test_links_within_a_folder_are_followed(tmp_path):
    path = local(tmp_path / "r", checkpoint(), COMMIT)
    (path / "model.safetensors").rename(path / "blob")
    (path / "model.safetensors").symlink_to("blob")
    from_folder(tmp_path / "r", tmp_path / "out")
    made = tmp_path / "out" / "model.safetensors"
    assert made.samefile(path / "blob") and not made.is_symlink()
