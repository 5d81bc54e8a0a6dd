"""Fetching from a hub on loopback: what comes, what stays there, and what happens when the network fails."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

import fake_hub
from amongus.core.errors import StudyError
from amongus.core.hardlinks import link_tree
from amongus.core.json_files import read_json
from amongus.hub import fetch
from amongus.members.member import fingerprint_directory
from amongus.study.code_digest import SCRIPTS
from damage import harm
from repositories import ADAPTER, BASE, adapter, checkpoint, sharded, weights
from standins import Named, run


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
HEADER = 100_001
"""Bytes that the library reads of a safetensors file to see its header."""
LONGER_THAN_HEADERS = (30_000, 2)


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


def test_json_that_is_no_config_may_be_a_list(hub, get):
    folder = get(BASE, hub.add(BASE, checkpoint() | {"data_config.json": b"[]"}))
    assert "data_config.json" in names(folder)


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


def test_a_connection_cut_in_the_middle_is_no_failure(hub, get):
    commit = hub.add(BASE, checkpoint(rows=4000))
    hub.cut = {"model.safetensors": len(hub.files[BASE]["model.safetensors"]) // 2, "config.json": 3}
    assert (get(BASE, commit) / "model.safetensors").read_bytes() == hub.files[BASE]["model.safetensors"]


def test_a_rerun_downloads_only_the_files_that_the_last_run_did_not_finish(hub, get, tmp_path):
    files = sharded() | {"model-1.safetensors": weights({"model.embed_tokens.weight": LONGER_THAN_HEADERS})}
    commit = hub.add(BASE, files)
    hub.status = {"model-2.safetensors": [200, 418]}  # Its header comes before all weights.
    with pytest.raises(StudyError, match="HTTP 418"):
        get(BASE, commit)
    litter = next(tmp_path.rglob("download")) / "x.incomplete"
    litter.write_bytes(b"what a killed run leaves")
    hub.sent.clear()
    folder = get(BASE, commit)
    assert names(folder) == {*files, *OURS} and not litter.exists()
    assert hub.sent["model-1.safetensors"] <= HEADER and not hub.sent["config.json"]


@pytest.mark.parametrize("name", ["api", "config.json", "model.safetensors"])
@pytest.mark.parametrize("status", [503, 429])
def test_a_hub_in_trouble_is_asked_again(hub, get, name, status):
    hub.status = {name: [status, status]}
    assert names(get(BASE, hub.add(BASE, checkpoint()))) == {*checkpoint(), *OURS}


def test_a_hub_that_stays_away_and_no_network_are_one_line(hub, get, monkeypatch):
    hub.status = {"api": [503] * 99}
    with pytest.raises(StudyError, match=rf"{BASE}: {hub.url} is unreachable \(.*503.*hub_folder"):
        get(BASE, hub.add(BASE, checkpoint()))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(StudyError, match=r"a/b: http://127.0.0.1:9 is unreachable .*hub_folder"):
        get("a/b", "0" * 40)


def test_an_answer_of_another_kind_of_server_is_one_line(hub, get, monkeypatch):
    monkeypatch.setattr(hub, "info", lambda repo: ["not", "a", "hub"])
    with pytest.raises(StudyError, match=rf"{hub.url} does not answer like a hub .*HF_ENDPOINT"):
        get(BASE, hub.add(BASE, checkpoint()))


def test_a_mirror_that_answers_with_another_commit_is_refused(hub, get, monkeypatch):
    commit = hub.add(BASE, checkpoint())
    info = hub.info(BASE)
    monkeypatch.setattr(hub, "info", lambda repo: {**info, "sha": "f" * 40})
    with pytest.raises(StudyError, match=f"answers with commit {'f' * 40}; run make pin"):
        get(BASE, commit)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_flipped_byte_is_refused_and_what_was_downloaded_thrown_away(hub, get, name):
    content = checkpoint()[name]
    commit = hub.add(BASE, checkpoint())
    hub.altered[name] = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
    with pytest.raises(StudyError, match=rf"{BASE}@\w+: {name} differs from its checksum \(.*run again"):
        get(BASE, commit)
    hub.altered.clear()
    assert (get(BASE, commit) / name).read_bytes() == content


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_files_in_the_scratch_folder_are_not_trusted(hub, get, tmp_path, name):
    commit = hub.add(BASE, checkpoint())
    path = tmp_path / "hub" / ".partial" / "m" / name
    record = path.parent / ".cache/huggingface/download" / f"{name}.metadata"
    record.parent.mkdir(parents=True)
    path.write_bytes(b"{}")
    assert (get(BASE, commit) / name).read_bytes() == checkpoint()[name]
    record.parent.mkdir(parents=True)
    path.write_bytes(b"{}")
    record.write_text(f"{commit}\n{fake_hub.blob(b'{}')}\n{path.stat().st_mtime + 1}\n")
    with pytest.raises(StudyError, match=f"{name} .*run again"):
        get(BASE, commit)
    assert (get(BASE, commit) / name).read_bytes() == checkpoint()[name]


def test_weights_that_a_seed_still_has_are_checked_and_not_downloaded_again(hub, get, tmp_path):
    commit = hub.add(BASE, checkpoint(rows=LONGER_THAN_HEADERS[0]))
    seed, folder = tmp_path / "seed-1", get(BASE, commit)
    link_tree(folder, seed)
    shutil.rmtree(folder)
    hub.sent.clear()
    get(BASE, commit, seeds=[tmp_path / "seed-0", seed])
    assert hub.sent["model.safetensors"] <= HEADER
    assert (folder / "model.safetensors").samefile(seed / "model.safetensors")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_model_that_went_bad_under_both_its_names_is_fetched_again(hub, get, tmp_path, name):
    commit = hub.add(BASE, checkpoint())
    fetched, models = get(BASE, commit), tmp_path / "seed-1" / "models"

    def link():
        run("link_model", Named(str(fetched)), Named(str(models / "m")))

    link()
    harm(models / "m" / name, "flipped")
    assert (models / "m" / name).samefile(fetched / name)
    with pytest.raises(StudyError, match=rf"hub/m/{name}: damaged .* moved to .*hub/m\.damaged; run again"):
        link()
    get(BASE, commit, seeds=[models / "m"])
    link()
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
    with pytest.raises(StudyError, match=rf"{BASE}: gated; accept its licence at {hub.url}/{BASE} and set HF_TOKEN"):
        get(BASE, commit)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    get(BASE, commit)
    seen = {host: value for (host, path), value in hub.tokens.items() if path.endswith("model.safetensors")}
    assert seen == {"127.0.0.1": "Bearer hf_secret", "localhost": None}


def test_wrong_names_and_revisions_are_one_line(hub, get):
    hub.add(BASE, checkpoint())
    with pytest.raises(StudyError, match=r"some/body: no such repository, or a private one; .*HF_TOKEN"):
        get("some/body", "0" * 40)
    with pytest.raises(StudyError, match=f"{BASE}: no such revision; .*make pin"):
        get(BASE, "0" * 40)
    with pytest.raises(StudyError, match=rf"{BASE}: its revision is not pinned.*make pin CONFIG="):
        get(BASE, "unpinned")
    hub.status = {"api": [403]}
    with pytest.raises(StudyError, match=rf"{BASE}: access denied \(HTTP 403\); set HF_TOKEN"):
        get(BASE, hub.commits[BASE])


def test_a_full_disk_during_the_download_is_one_line_and_survived(hub, get, monkeypatch):
    def full(*arguments, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    commit = hub.add(BASE, checkpoint())
    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.file_download.http_get", full)
        with pytest.raises(StudyError, match=r"the disk is full; make room there and run again"):
            get(BASE, commit)
    assert names(get(BASE, commit)) == {*checkpoint(), *OURS}


def test_a_process_reaches_the_hub_only_where_it_says_so(hub):
    hub.add(BASE, checkpoint())
    code = "from amongus.hub.download import current_commit; print(current_commit('owner/base'))"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(SCRIPTS)}
    for allowed in (True, False):
        allow = "from amongus.core.download import allow_hub; allow_hub();" * allowed
        done = subprocess.run([sys.executable, "-c", allow + code], env=environment, capture_output=True, text=True)
        assert (done.stdout.strip() == hub.commits[BASE]) == allowed == (done.returncode == 0)
