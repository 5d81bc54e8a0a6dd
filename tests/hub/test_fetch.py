"""Fetching from a hub on loopback: what comes, what stays there, and what happens when the network fails."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download

import fake_hub
from amongus.core.errors import StudyError
from amongus.core.hardlinks import link_tree
from amongus.core.json_files import read_json
from amongus.hub import client, fetch
from amongus.members.member import fingerprint_directory
from damage import harm
from repositories import ADAPTER, BASE, adapter, checkpoint, sharded, weights
from standins import Named, run


@pytest.fixture
def hub(monkeypatch, tmp_path):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(client.time, "sleep", lambda seconds: None)
    with fake_hub.running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def get(tmp_path):
    """Fetch a repository into the folder that is returned."""

    def get(repo, revision, folder=None, seeds=(), **wanted):
        wanted = {"repo": repo, "revision": revision, "lora": False, "base": None, **wanted}
        fetch.fetch(wanted, folder, tmp_path / "hub" / ".partial" / "m", tmp_path / "hub" / "m", seeds)
        return tmp_path / "hub" / "m"

    return get


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


OURS = {"source.json", "fingerprint.json"}


def test_a_checkpoint_comes_without_pickles_code_and_the_rest(hub, get):
    files = checkpoint() | {
        "pytorch_model.bin": b"pickle",
        "modeling_own.py": b"import os",
        "README.md": b"#",
        "training_args.bin": b"pickle",
        "onnx/model.onnx": b"onnx",
        "original/consolidated.safetensors": weights({"x": (1, 1)}),
    }
    folder = get(BASE, hub.add(BASE, files))
    assert names(folder) == {*checkpoint(), *OURS}
    assert hub.downloads() == set(checkpoint())
    assert all((folder / name).read_bytes() == content for name, content in checkpoint().items())
    assert read_json(folder / "fingerprint.json")["fingerprint"] == fingerprint_directory(folder)
    origin = read_json(folder / "source.json")
    assert (origin["repo"], origin["revision"]) == (BASE, hub.commits[BASE])
    assert origin["files"]["config.json"] == fake_hub.blob(checkpoint()["config.json"])
    assert not (folder.parent / ".partial" / "m").exists()


def test_the_fake_hub_answers_as_the_library_expects(hub, tmp_path):
    commit = hub.add(BASE, checkpoint())
    with client.online():
        for name in ("config.json", "model.safetensors"):
            path = hf_hub_download(
                BASE, name, revision=commit, endpoint=hub.url, local_dir=tmp_path / "plain"
            )
            assert Path(path).read_bytes() == checkpoint()[name]


def test_shards_and_the_modules_of_an_embedder_come_too(hub, get):
    pooling = {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
    dense = {**pooling, "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    extra = {
        "modules.json": json.dumps([pooling, dense]).encode(),
        "1_Pooling/config.json": b"{}",
        "2_Dense/config.json": b"{}",
        "2_Dense/model.safetensors": weights({"linear.weight": (2, 2)}),
        "2_Dense/pytorch_model.bin": b"pickle",
    }
    folder = get(BASE, hub.add(BASE, sharded() | extra))
    assert names(folder) == {*sharded(), *extra, *OURS} - {"2_Dense/pytorch_model.bin"}


def test_an_adapter_is_its_config_and_weights(hub, get):
    folder = get(ADAPTER, hub.add(ADAPTER, adapter() | checkpoint()), lora=True, base=BASE.upper())
    assert names(folder) == {"adapter_config.json", "adapter_model.safetensors", *OURS}


def test_of_a_checkpoint_with_an_adapter_beside_it_the_checkpoint_comes(hub, get):
    assert "adapter_config.json" not in names(get(BASE, hub.add(BASE, adapter() | checkpoint())))


def test_a_connection_cut_in_the_middle_is_resumed(hub, get):
    commit = hub.add(BASE, checkpoint(rows=4000))
    size = len(hub.files[BASE]["model.safetensors"])
    hub.cut = {"model.safetensors": size // 2, "config.json": 3}
    folder = get(BASE, commit)
    assert (folder / "model.safetensors").read_bytes() == hub.files[BASE]["model.safetensors"]
    assert hub.sent["model.safetensors"] < size + 1000  # The header is read before.
    assert hub.sent["config.json"] == len(hub.files[BASE]["config.json"])


def test_a_rerun_goes_on_where_the_last_run_ended(hub, get, monkeypatch):
    commit = hub.add(BASE, checkpoint(rows=4000))
    size = len(hub.files[BASE]["model.safetensors"])
    hub.cut = {"model.safetensors": size // 2}
    monkeypatch.setattr(client, "_TRIES", 1)
    with pytest.raises(StudyError, match="unreachable"):
        get(BASE, commit)
    before = hub.sent["model.safetensors"]
    assert before >= size // 2
    folder = get(BASE, commit)
    assert hub.sent["model.safetensors"] - before < size // 2 + 1000
    assert (folder / "model.safetensors").read_bytes() == hub.files[BASE]["model.safetensors"]


def test_a_hub_that_takes_no_ranges_is_asked_for_the_whole_again(hub, get):
    hub.ranges, hub.cut = False, {"config.json": 3}
    commit = hub.add(BASE, checkpoint())
    assert (get(BASE, commit) / "config.json").read_bytes() == checkpoint()["config.json"]


@pytest.mark.parametrize("name", ["api", "config.json", "model.safetensors"])
@pytest.mark.parametrize("status", [503, 429])
def test_a_hub_in_trouble_is_asked_again(hub, get, name, status):
    hub.status = {name: [status, status]}
    assert names(get(BASE, hub.add(BASE, checkpoint()))) == {*checkpoint(), *OURS}


def test_each_wait_is_longer_and_at_least_as_long_as_the_hub_asks(hub, get, monkeypatch):
    waits = []
    monkeypatch.setattr(client.time, "sleep", waits.append)
    hub.status = {"api": [429, 503, 503]}
    get(BASE, hub.add(BASE, checkpoint()))
    assert waits == [7.0, 4.0, 8.0]


def test_a_hub_that_stays_away_is_one_line(hub, get):
    hub.status = {"api": [503] * 99}
    with pytest.raises(StudyError, match=r"unreachable after 6 tries \(HTTP 503\); .*hub_folder"):
        get(BASE, hub.add(BASE, checkpoint()))


def test_no_network_is_one_line(get, monkeypatch):
    monkeypatch.setattr(client.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        StudyError, match=r"a/b: http://127.0.0.1:9 is unreachable after 6 tries .*hub_folder"
    ):
        get("a/b", "0" * 40)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_flipped_byte_is_refused_and_what_was_downloaded_thrown_away(hub, get, name):
    content = checkpoint()[name]
    commit = hub.add(BASE, checkpoint())
    hub.altered[name] = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
    with pytest.raises(StudyError, match=rf"{BASE}@\w+: {name}: .* differs: the hub says \w+, .*run again"):
        get(BASE, commit)
    hub.altered.clear()
    assert (get(BASE, commit) / name).read_bytes() == content


def test_what_lies_in_the_scratch_folder_is_not_trusted(hub, get, tmp_path):
    commit = hub.add(BASE, checkpoint())
    scratch = tmp_path / "hub" / ".partial" / "m" / f"{BASE.replace('/', '--')}@{commit}"
    scratch.mkdir(parents=True)
    (scratch / "config.json").write_bytes(b"{}")
    (scratch / "added_tokens.json").write_bytes(b'{"of a folder": 99}')
    (scratch / "model.safetensors.part").write_bytes(b"x" * 10_000_000)
    folder = get(BASE, commit)
    assert all((folder / name).read_bytes() == content for name, content in checkpoint().items())


def test_what_a_seed_still_has_is_checked_and_not_downloaded_again(hub, get, tmp_path):
    commit = hub.add(BASE, checkpoint(rows=4000))
    seed, folder = tmp_path / "seed-1", get(BASE, commit)
    link_tree(folder, seed)
    shutil.rmtree(folder)
    hub.sent.clear()
    get(BASE, commit, seeds=[tmp_path / "seed-0", seed])
    assert hub.sent["model.safetensors"] < 1000 and not hub.sent["config.json"]
    assert (folder / "model.safetensors").samefile(seed / "model.safetensors")
    (seed / "config.json").unlink()
    (seed / "config.json").write_text("{}")
    shutil.rmtree(folder)
    get(BASE, commit, seeds=[seed])
    assert (folder / "config.json").read_bytes() == hub.files[BASE]["config.json"]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_model_that_went_bad_under_both_its_names_is_fetched_again(hub, get, tmp_path, name):
    commit = hub.add(BASE, checkpoint())
    fetched, models = get(BASE, commit), tmp_path / "seed-1" / "models"

    def adopt():
        run("adopt", Named(str(fetched)), Named(str(models / "m")))

    adopt()
    harm(models / "m" / name, "flipped")
    assert (models / "m" / name).samefile(fetched / name)
    with pytest.raises(StudyError, match=rf"hub/m/{name}: damaged .* moved to .*hub/m\.damaged; run again"):
        adopt()
    get(BASE, commit, seeds=[models / "m"])
    adopt()
    assert all((models / "m" / file).read_bytes() == content for file, content in checkpoint().items())


def test_a_failure_leaves_what_was_there(hub, get):
    commit = hub.add(BASE, checkpoint())
    folder = get(BASE, commit)
    hub.status = {"config.json": [418]}
    with pytest.raises(StudyError, match="HTTP 418"):
        get(BASE, commit)
    assert names(folder) == {*checkpoint(), *OURS}


def test_a_gated_repository_needs_a_token_which_only_the_hub_sees(hub, get, monkeypatch):
    commit = hub.add(BASE, checkpoint())
    hub.gated.add(BASE)
    with pytest.raises(
        StudyError, match=rf"{BASE}: gated; accept its licence at {hub.url}/{BASE} and set HF_TOKEN"
    ):
        get(BASE, commit)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    get(BASE, commit)
    seen = {host: value for (host, path), value in hub.tokens.items() if path.endswith("model.safetensors")}
    assert seen == {"127.0.0.1": "Bearer hf_secret", "localhost": None}


def test_wrong_names_and_revisions_are_one_line(hub, get):
    hub.add(BASE, checkpoint())
    with pytest.raises(StudyError, match=r"some/body: no such repository, or a private one; .*HF_TOKEN"):
        get("some/body", "0" * 40)
    with pytest.raises(StudyError, match=f"{BASE}: the hub has no such revision; .*make pin"):
        get(BASE, "0" * 40)
    with pytest.raises(StudyError, match=rf"{BASE}: its revision is not pinned.*make pin CONFIG="):
        get(BASE, "unpinned")
    hub.status = {"api": [403]}
    with pytest.raises(StudyError, match=f"{BASE}: HTTP 403, not for us; set HF_TOKEN"):
        get(BASE, hub.commits[BASE])


def test_a_full_disk_is_seen_before_and_survived_during_the_download(hub, get, tmp_path, monkeypatch):
    commit = hub.add(BASE, checkpoint())
    usage = shutil._ntuple_diskusage(100, 100, 10)
    with monkeypatch.context() as patch:
        patch.setattr(fetch.shutil, "disk_usage", lambda path: usage)
        with pytest.raises(StudyError, match=r"needs 0.0 GB, 0.0 GB are free at .*make room"):
            get(BASE, commit)
    assert not list(tmp_path.rglob("model.safetensors*"))

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(client.Hub, "_append", full)
        with pytest.raises(StudyError, match=r"the disk of .* is full; make room and run again"):
            get(BASE, commit)
    assert names(get(BASE, commit)) == {*checkpoint(), *OURS}


def test_only_whoever_fetches_is_online(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.add(BASE, checkpoint())
    with client.online():
        assert client.current_commit(BASE) == hub.commits[BASE]
        assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert constants.HF_HUB_OFFLINE
    with pytest.raises(ConnectionError):
        client.get_session().get(hub.url)
