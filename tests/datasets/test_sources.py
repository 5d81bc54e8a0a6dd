"""Pinned sources: what is read, drawn, left out, refused."""

import hashlib
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from amongus.core import download
from amongus.core.errors import StudyError
from amongus.datasets import _sources

ROWS = {
    "dev": [{"input": f"dev {i}?", "output": str(i)} for i in range(20)],
    "test": [{"input": f"test {i}?", "output": str(i)} for i in range(30)],
}


def pin(path, content):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    return {"path": str(path), "sha256": hashlib.sha256(data).hexdigest()}


def test_all_rows_in_order_with_ids(tmp_path):
    tables = _sources.questions("gsm8k", pin(tmp_path / "q.json", ROWS))
    assert tables["dev"]["id"] == [f"gsm8k/dev/{i}" for i in range(20)]
    assert [json.loads(item) for item in tables["test"]["item"]] == ROWS["test"]
    assert tables["test"]["prompt"][3].startswith("test 3?") and set(tables["test"]["metric"]) == {"boxed"}


def test_a_folder_stands_for_urls(tmp_path, monkeypatch):
    spec = {"url": "http://127.0.0.1:9/of/q.json", "sha256": pin(tmp_path / "q.json", ROWS)["sha256"]}
    monkeypatch.setenv("AMONGUS_DATASETS_FOLDER", str(tmp_path))
    assert len(_sources.questions("gsm8k", spec)["test"]["id"]) == 30
    _sources.check_local("gsm8k", spec)
    with pytest.raises(StudyError, match=rf"^{tmp_path}/q.json: sha256 differs"):
        _sources.check_local("gsm8k", {**spec, "sha256": "0" * 64})


def test_a_sample_is_seeded_in_order_and_keeps_row_numbers(tmp_path):
    spec = pin(tmp_path / "q.json", ROWS)
    first, again, other = (
        _sources.questions("gsm8k", {**spec, "dev": 4, "test": 5, "data_seed": seed})["test"]["id"]
        for seed in (1, 1, 2)
    )
    assert first == again != other and len(first) == 5
    numbers = [int(name.split("/")[2]) for name in first]
    assert numbers == sorted(numbers) and numbers != [0, 1, 2, 3, 4]


def test_more_than_there_are_gives_all_and_says_so(tmp_path, caplog):
    # A study may name a dataset otherwise.
    tables = _sources.questions("sums", {**pin(tmp_path / "q.json", ROWS), "kind": "gsm8k", "dev": 99, "test": 2})
    assert tables["dev"]["id"] == [f"sums/dev/{i}" for i in range(20)]
    assert "99 questions wanted, 20 available" in caplog.text


def test_a_question_in_both_splits_leaves_dev(tmp_path, caplog):
    shared = {"question": "WHICH   one?", "choices": {"A": "x", "B": "y"}, "answer": "A"}
    same = {"question": "Which one?", "choices": {"A": "Y", "B": "x"}, "answer": "B"}
    other = {"question": "Which one?", "choices": {"A": "y", "B": "z"}, "answer": "B"}
    spec = pin(tmp_path / "q.json", {"dev": [shared, other], "test": [same]})
    with caplog.at_level(logging.INFO):
        tables = _sources.questions("truthfulqa", spec)
    assert tables["dev"]["id"] == ["truthfulqa/dev/1"] and tables["test"]["id"] == ["truthfulqa/test/0"]
    assert "1 of 2 dev questions are in test too" in caplog.text


def test_a_different_sha256_names_both(tmp_path):
    spec = pin(tmp_path / "q.json", ROWS)
    for pinned in ({**spec, "sha256": "0" * 64}, {"path": spec["path"]}):
        with pytest.raises(StudyError, match=rf"q.json.*{pinned.get('sha256', '')}.*{spec['sha256']}"):
            _sources.read(pinned)


def test_a_missing_file_and_a_missing_place(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(StudyError, match=f"^{path}: "):
            _sources.read({"path": str(path), "sha256": "0" * 64})
    for spec in ({}, {"path": "a", "url": "https://b"}):
        with pytest.raises(StudyError, match="path or url"):
            _sources.read(spec)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe{}", b"[" * 100_000, [], {"dev": []}, {"dev": [], "test": {}}])
def test_what_is_not_json_with_two_lists_is_named(tmp_path, content):
    with pytest.raises(StudyError, match="q.json: not JSON" if isinstance(content, bytes) else "q.json: no list"):
        _sources.read(pin(tmp_path / "q.json", content))


def test_a_row_without_its_fields_is_named(tmp_path):
    broken = {"dev": ROWS["dev"], "test": [*ROWS["test"][:7], {"input": "?"}]}
    with pytest.raises(StudyError, match=r"^.*q.json: .*gsm8k, split test, row 7 lacks output.*$"):
        _sources.questions("gsm8k", pin(tmp_path / "q.json", broken))


class _Handler(BaseHTTPRequestHandler):
    """Sends an error, then half of the content, then all of it."""

    def log_message(self, *arguments):
        """Say nothing."""

    def do_GET(self):
        server = self.server
        server.requests += 1
        if server.requests == 1:
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(server.content)))
        self.end_headers()
        self.wfile.write(server.content[: len(server.content) // 2 if server.requests == 2 else None])


def test_a_url_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_WAIT", 0)
    spec = pin(tmp_path / "q.json", ROWS)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.content, server.requests = (tmp_path / "q.json").read_bytes(), 0
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/q.json"
        rows, where = _sources.read({"url": url, "sha256": spec["sha256"]})
        server.shutdown()
    assert rows == ROWS and where == url and server.requests == 3


def test_an_unreachable_url_is_one_line(monkeypatch):
    monkeypatch.setattr(download, "_WAIT", 0)
    with pytest.raises(StudyError, match=r"^http://127.0.0.1:9/q.json: .*$"):
        _sources.read({"url": "http://127.0.0.1:9/q.json", "sha256": "0" * 64})
    with pytest.raises(StudyError, match="only http and https"):
        _sources.read({"url": "file:///etc/passwd", "sha256": "0" * 64})
