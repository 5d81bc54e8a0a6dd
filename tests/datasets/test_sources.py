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


def questions(dataset, spec, seed=1):
    return _sources.questions(dataset, spec, seed)


def test_all_rows_in_order_with_ids(tmp_path):
    tables = questions("gsm8k", pin(tmp_path / "q.json", ROWS))
    assert tables["dev"]["id"] == [f"gsm8k/dev/{i}" for i in range(20)]
    assert [json.loads(item) for item in tables["test"]["item"]] == ROWS["test"]
    assert tables["test"]["prompt"][3].startswith("test 3?") and set(tables["test"]["metric"]) == {"boxed"}


def test_a_folder_stands_for_urls(tmp_path, monkeypatch):
    spec = {"url": "http://127.0.0.1:9/of/q.json", "sha256": pin(tmp_path / "q.json", ROWS)["sha256"]}
    monkeypatch.setenv("AMONGUS_DATASETS_FOLDER", str(tmp_path))
    assert len(questions("gsm8k", spec)["test"]["id"]) == 30
    _sources.check_local("gsm8k", spec)
    with pytest.raises(StudyError, match=rf"^{tmp_path}/q.json: sha256 differs"):
        _sources.check_local("gsm8k", {**spec, "sha256": "0" * 64})


def test_a_sample_is_seeded_in_order_and_keeps_row_numbers(tmp_path):
    spec = pin(tmp_path / "q.json", ROWS)
    first, again, other = (
        questions("gsm8k", {**spec, "dev": 4, "test": 5, "data_seed": seed})["test"]["id"] for seed in (1, 1, 2)
    )
    assert first == again != other and len(first) == 5
    numbers = [int(name.split("/")[2]) for name in first]
    assert numbers == sorted(numbers) and numbers != [0, 1, 2, 3, 4]


def test_a_number_keeps_the_questions_in_all_seeds_and_null_draws_them_by_the_seed(tmp_path):
    spec = {**pin(tmp_path / "q.json", ROWS), "test": 15}
    assert questions("gsm8k", spec, 1) == questions("gsm8k", spec, 2)
    first, second = (questions("gsm8k", {**spec, "data_seed": None}, seed)["test"] for seed in (1, 2))
    assert first == questions("gsm8k", {**spec, "data_seed": 1}, 2)["test"]
    # What both have drawn is known by its id.
    both = set(first["id"]) & set(second["id"])
    assert 0 < len(both) < 15
    items = [dict(zip(drawn["id"], drawn["item"], strict=True)) for drawn in (first, second)]
    assert {id: items[0][id] for id in both} == {id: items[1][id] for id in both}
    assert len(set(items[0].values()) & set(items[1].values())) == len(both)


def test_rows_that_a_module_makes_have_the_ids_of_their_contents(tmp_path):
    (tmp_path / "sums.py").write_text(
        "FIELDS = ('sum', 'answer')\nMETRIC = 'exact'\nDOMAIN = 'sums'\n\n\n"
        "def rows(spec, split, seed):\n"
        "    sums = {'dev': [(9, 9)], 'test': [(seed, 1), (1, 1), (1, 1), (seed, 2)]}[split]\n"
        "    return [{'sum': f'{a}+{b}', 'answer': str(a + b)} for a, b in sums]\n\n\n"
        "def prompt(item):\n    return item['sum']\n"
    )
    spec = {"kind": str(tmp_path / "sums.py")}
    one, other = (questions("sums", spec, seed)["test"] for seed in (7, 8))
    assert one["prompt"] == ["7+1", "1+1", "7+2"] and other["prompt"] == ["8+1", "1+1", "8+2"]
    assert set(one["id"]) & set(other["id"]) == {one["id"][1]} == {other["id"][1]}
    assert len(set(one["id"])) == 3 and one["id"][0].startswith("sums/test/")


def test_more_than_there_are_gives_all_and_says_so(tmp_path, caplog):
    # A study may name a dataset otherwise.
    tables = questions("sums", {**pin(tmp_path / "q.json", ROWS), "kind": "gsm8k", "dev": 99, "test": 2})
    assert tables["dev"]["id"] == [f"sums/dev/{i}" for i in range(20)]
    assert "99 questions wanted, 20 available" in caplog.text


def test_a_question_in_both_splits_leaves_dev(tmp_path, caplog):
    shared = {"question": "WHICH   one?", "choices": {"A": "x", "B": "y"}, "answer": "A"}
    same = {"question": "Which one?", "choices": {"A": "Y", "B": "x"}, "answer": "B"}
    other = {"question": "Which one?", "choices": {"A": "y", "B": "z"}, "answer": "B"}
    spec = pin(tmp_path / "q.json", {"dev": [shared, other], "test": [same]})
    with caplog.at_level(logging.INFO):
        tables = questions("truthfulqa", spec)
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
        questions("gsm8k", pin(tmp_path / "q.json", broken))


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
