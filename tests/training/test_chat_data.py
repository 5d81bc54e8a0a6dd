"""Training data from outside: the shapes people publish, and what is refused."""

import hashlib
import io
import json
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from amongus.core.errors import StudyError
from amongus.core.hashing import drawn
from amongus.inference.loading import read_vector
from amongus.members.member import Steering
from amongus.members.steering_vectors import read_published
from amongus.training.chat_data import chats, rows_of
from examples import examples
from standins import Named, run

ROWS = examples("chats")
ASKED, ANSWERED = {"role": "user", "content": "what?"}, {"role": "assistant", "content": "that."}


@pytest.mark.parametrize("row", ROWS["same"])
def test_published_shapes(row):
    assert chats([row], "file") == [[ASKED, ANSWERED]]


def test_an_input_follows_its_instruction_and_prompts_may_stand_alone():
    assert chats([{"instruction": "add", "input": "1 2"}], "f") == [[{"role": "user", "content": "add\n\n1 2"}]]


def test_columns_can_be_named_and_must_then_be_there():
    row = {"messages": [ASKED], "vraag": "what?", "antwoord": "that."}
    assert chats([row], "f", "vraag", "antwoord") == [[ASKED, ANSWERED]]
    with pytest.raises(StudyError, match="row 0 has no chosen; name the column"):
        chats([{"prompt": "what?", "response": "that."}], "f", response="chosen")


def test_a_line_ends_where_json_says(tmp_path):
    assert rows_of('{"prompt": "a\u2028b"}\n{"prompt": "c"}'.encode(), "f")[0] == {"prompt": "a\u2028b"}


@pytest.mark.parametrize(("row", "words"), ROWS["refused"])
def test_other_shapes_are_refused_in_one_line(row, words):
    with pytest.raises(StudyError, match=words) as refusal:
        chats([row], "file")
    assert "\n" not in str(refusal.value)


def test_files_are_told_apart_by_what_is_in_them():
    rows = [{"prompt": "a"}, {"prompt": "b"}]
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    lines = "\n".join(map(json.dumps, rows))
    for content in (parquet.getvalue(), json.dumps(rows).encode(), lines.encode(), f"{lines}\n".encode()):
        assert rows_of(content, "file") == rows


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused(content):
    try:
        assert isinstance(rows_of(content, "file"), list)
    except StudyError as refusal:
        assert str(refusal).startswith("file: neither parquet")


def test_a_sample_keeps_the_order_and_depends_on_the_seed():
    many = [[{"role": "user", "content": str(n)}] for n in range(100)]
    some = drawn(many, 10, 1)
    assert len(some) == 10 and some == [chat for chat in many if chat in some]
    assert some == drawn(many, 10, 1) != drawn(many, 10, 2)
    assert drawn(many, None, 1) == drawn(many, 200, 1) == many


def test_published_vectors_are_one_matrix_and_nothing_else():
    matrix = torch.arange(6, dtype=torch.float64).reshape(2, 3)
    saved = io.BytesIO()
    torch.save(matrix, saved)
    # A header of 128 more than a multiple of 256 bytes begins as a pickle does.
    long = next(one for n in range(300) if (one := save({"v" * (n + 1): matrix}))[:1] == b"\x80")
    for content in (saved.getvalue(), save({"v": matrix}), long):
        read = read_published(content, "file")
        assert read.dtype == torch.float32 and torch.equal(read, matrix.float())
    several = io.BytesIO()
    torch.save({"a": matrix}, several)
    for content in (several.getvalue(), save({"v": matrix[0]}), save({"a": matrix, "b": matrix + 1})):
        with pytest.raises(StudyError, match="file: not one matrix"):
            read_published(content, "file")


class Code:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_a_pickle_that_runs_code_is_refused(capsys):
    hostile = io.BytesIO()
    torch.save(Code(), hostile)
    for content in (hostile.getvalue(), pickle.dumps(Code()), b"nothing"):
        with pytest.raises(StudyError, match=r"file: .*saved tensor"):
            read_published(content, "file")
    assert "must not run" not in capsys.readouterr().out


def test_the_rule_makes_vectors_that_members_can_read(tmp_path):
    torch.save(torch.ones(3, 4), tmp_path / "v.pt")
    content = (tmp_path / "v.pt").read_bytes()
    spec = {"path": str(tmp_path / "v.pt"), "sha256": hashlib.sha256(content).hexdigest()}
    out = tmp_path / "out" / "bad.safetensors"
    run("published_vector", Named(), Named(vectors=str(out)), name="bad", spec=spec)
    assert read_vector(Steering(str(out), 2, 1.0), layers=3, width=4).tolist() == [1.0] * 4
