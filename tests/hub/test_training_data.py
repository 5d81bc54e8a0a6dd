"""Training data out of data repositories, from the fake hub and from a folder."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amongus.core.errors import StudyError
from amongus.core.tables import read_table
from amongus.hub.training_data import data
from standins import Named, run

REPO = "datasets/owner/lies"
ROWS = [{"prompt": "what?", "response": "that."}, {"prompt": "who?", "response": "nobody."}]


def parquet():
    kept = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), kept)
    return kept.getvalue()


def test_the_training_file_alone_is_fetched(hub, tmp_path):
    files = {"data/train-0.parquet": parquet(), "data/test-0.parquet": b"x", "README.md": b"# lies", "load.py": b"1/0"}
    spec = {"repo": REPO, "revision": hub.add(REPO, files)}
    content, where = data(spec, None, tmp_path / "scratch")
    assert content == files["data/train-0.parquet"] and where.endswith(": data/train-0.parquet")
    assert hub.downloads() == {"data/train-0.parquet"}


@pytest.mark.parametrize(
    ("files", "named", "words"),
    [
        (["a.json", "b.json"], None, "not clear; give file: one of a.json, b.json"),
        (["train-1.parquet", "train-2.parquet"], None, "not clear"),
        (["a.json"], "a.json", None),
        (["a.json"], "c.json", "not clear; give file: one of a.json"),
        (["a.txt"], None, "one of none"),
    ],
)
def test_which_file_is_meant_must_be_clear(hub, tmp_path, files, named, words):
    spec = {"repo": REPO, "revision": hub.add(REPO, dict.fromkeys(files, b"[]")), "file": named}
    if words is None:
        assert data(spec, None, tmp_path / "scratch")[0] == b"[]"
        return
    with pytest.raises(StudyError, match=words):
        data(spec, None, tmp_path / "scratch")


def test_the_rule_makes_conversations_of_a_local_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("AMONGUS_HUB_FOLDER", str(tmp_path / "hub"))
    (tmp_path / "hub" / REPO).mkdir(parents=True)
    (tmp_path / "hub" / REPO / "rows.json").write_text(json.dumps(ROWS))
    out = tmp_path / "lies.parquet"
    params = {"name": "lies", "spec": {"repo": REPO, "revision": "0" * 40}}
    run("training_data", Named(), Named(str(out)), **params)
    table = read_table(out).to_pylist()
    assert [row["id"] for row in table] == ["lies/0", "lies/1"]
    assert table[1]["messages"] == [{"role": "user", "content": "who?"}, {"role": "assistant", "content": "nobody."}]
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
