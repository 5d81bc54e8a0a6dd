"""What crosses from the code under test to its tests: data, and nothing that acts or equals of itself."""

import json
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, sparse, stats

from amongus.sandbox.inside import array_values
from amongus.sandbox.inside.plain_values import Opaque, pack, unpack
from examples import examples

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
NUMBERS = st.floats(allow_nan=False) | st.complex_numbers(allow_nan=False)


def containers(inner):
    sets = st.frozensets(st.integers())
    return st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner) | sets


PLAIN = st.recursive(LEAVES | NUMBERS, containers)


@given(PLAIN)
def test_plain_data_comes_back_as_it_went(value):
    back = unpack(pack(value))
    assert back == value and type(back) is type(value)


class Sly(list):
    def __eq__(self, other):
        return True

    __hash__ = None


class Odd:
    def __eq__(self, other):
        return True

    __hash__ = None


def test_types_of_ones_own_become_plain_or_opaque():
    assert unpack(pack(Sly([1]))) == [1] and unpack(pack(Sly())) != [1]
    assert isinstance(unpack(pack(Odd())), Opaque) and unpack(pack([Odd()])) != [1]
    assert unpack(pack(x for x in [1])) != [1]
    assert [unpack(pack(x)) for x in (np.float64(1.5), np.int64(2), np.bool_(True))] == [1.5, 2, True]
    assert unpack(pack([Fraction(1, 2), Decimal("0.1")])) == [Fraction(1, 2), Decimal("0.1")]
    loop = []
    loop.append(loop)
    assert unpack(pack(loop)) != 1


def test_what_was_not_packed_is_refused():
    for broken in ({}, [], {"int": "x"}, {"list": 3}, {"eval": "1"}, {"int": "1", "float": "1"}, 1):
        with pytest.raises((ValueError, TypeError, KeyError)):
            unpack(broken)


def crossed(value):
    return array_values.unpack(json.loads(json.dumps(array_values.pack(value))))


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.arange(6, dtype=">i2").reshape(2, 3).T,
    np.empty((0, 3)),
    np.array(5),
    np.array([True, False]),
    np.array([["a", "bc"]]),
    np.array([b"a"]),
    np.array(["2020", "NaT"], dtype="M8[us]"),
    np.array(["a", None], dtype=object),
    np.matrix([[1, 2]]),
]
INDEXES = [
    pd.RangeIndex(2, 8, 3, name="n"),
    pd.Index([1, "a"]),
    pd.Index(["a", None]),
    pd.Index(["a"], dtype=object),
    pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["u", None]),
    pd.date_range("2020-01-01", periods=3, freq="h", tz="UTC"),
    pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Berlin"),
    pd.to_datetime(["2020-01-01 00:00-03:30"]),
    pd.timedelta_range("1h", periods=3),
    pd.period_range("2020", periods=3, freq="M"),
    pd.interval_range(0, 3, closed="left"),
    pd.CategoricalIndex(["b", "a", "b"], categories=["b", "a", "c"], ordered=True),
]
COLUMNS = {
    "a": [1, 2],
    "b": ["x", None],
    "c": pd.to_datetime(["2020-01-01", None]),
    "d": pd.array([1, 2], dtype="Int64"),
    "e": pd.array(["x", "y"], dtype="string"),
    "f": pd.array([True, False], dtype="boolean"),
    "g": pd.Series(["a", [1]], dtype=object),
    ("h", 1): pd.Categorical(["u", "v"]),
}
FRAMES = [
    pd.DataFrame(COLUMNS),
    pd.DataFrame(),
    pd.DataFrame(index=["x"]),
    pd.DataFrame([[1, "b"], [3, "d"]], columns=["a", "a"], index=["x", "x"]),
    pd.DataFrame({("a", 1): [1], ("b", 2): [2.5]}),
]
OTHERS = [
    *(np.float64(2.5), np.int8(1), np.bool_(True), np.str_("x"), np.complex64(1j)),
    np.datetime64("2020-01-01"),
    *(pd.Timestamp("2020-01-01", tz="UTC"), pd.Timedelta("1h"), pd.Period("2020", "M"), pd.Interval(0, 1)),
    *(date(2020, 1, 1), datetime(2020, 1, 1, 2, 3, 4, 5), timedelta(1, 2, 3), range(1, 5, 2)),
    {"a": [1, (2.5, None)], "b": {3}},
]


@pytest.mark.parametrize("value", ARRAYS, ids=lambda value: f"{value.dtype}{value.shape}")
def test_arrays_cross(value):
    back = crossed(value)
    assert (type(back), back.dtype, back.shape) == (type(value), value.dtype, value.shape)
    assert back.flags.writeable
    np.testing.assert_array_equal(back, value)


def test_indexes_series_and_frames_cross():
    for index in INDEXES:
        back = crossed(index)
        pd.testing.assert_index_equal(back, index, exact=True)
        assert getattr(back, "freq", None) == getattr(index, "freq", None)
        series = pd.Series(range(len(index)), index=index, name=("s", 1))
        pd.testing.assert_series_equal(crossed(series), series)
    for frame in FRAMES:
        pd.testing.assert_frame_equal(crossed(frame), frame, check_column_type=True)


def test_scalars_dates_and_containers_cross():
    for value in OTHERS:
        back = crossed(value)
        assert back == value and type(back) is type(value)
    assert crossed(pd.NaT) is pd.NaT and crossed(pd.NA) is pd.NA
    assert np.array_equal(crossed({"a": [np.arange(2)]})["a"][0], [0, 1])


@pytest.mark.parametrize("layout", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
def test_sparse_matrices_cross(layout):
    for kind in (sparse.coo_matrix, sparse.coo_array):
        value = kind(np.array([[0, 2.0], [3, 0], [0, 1]])).asformat(layout)
        back = crossed(value)
        assert type(back) is type(value) and (back != value).nnz == 0 and back.nnz == value.nnz


def test_tensors_cross():
    torch = pytest.importorskip("torch")
    for value in (torch.arange(3), torch.ones(2, 2, requires_grad=True), torch.tensor(True)):
        back = crossed(value)
        assert torch.equal(back, value) and back.dtype == value.dtype
        assert back.requires_grad == value.requires_grad


class Frame(pd.DataFrame):
    pass


class Reduced:
    def __reduce__(self):
        return exec, ("raise SystemExit",)


@pytest.mark.parametrize(
    "value",
    [
        *(Odd(), Reduced(), len, sys, iter([1]), Frame({"a": [1]}), [{"a": Odd()}], pd.Series([Odd()])),
        *(np.ma.masked_all(3), np.vectorize(len), np.zeros(2, dtype=[("a", "i4")]), np.longdouble(1)),
        *(stats.norm, optimize.OptimizeResult, pd.Series([1]).groupby([1])),
        pd.Series([1, 0], dtype="Sparse[int]"),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_nothing_else_crosses(value):
    with pytest.raises(TypeError, match="a result may not hold"):
        crossed(value)


def test_attributes_do_not_cross():
    """What a library would take for an array by its attributes is a plain dictionary on the other side."""
    view = optimize.OptimizeResult(__array_interface__={"version": 3, "shape": (1,), "typestr": "|u1"})
    assert type(crossed(view)) is dict
    series = pd.Series([1])
    series.attrs["a"] = series.__dict__["__array_interface__"] = 1
    assert not crossed(series).attrs and not hasattr(crossed(series), "__array_interface__")


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "string"])
def test_nothing_that_crosses_equals_everything(dtype):
    unknown = pd.array([None, None], dtype=dtype)
    answer = np.array(["a", "b"]) if dtype == "string" else np.array([True, False])
    for value in (pd.array([1, 2]), pd.Series(["u", "v"]).unique(), pd.Categorical(["u"])):
        assert isinstance(crossed(value), np.ndarray) and not isinstance(value, np.ndarray)
    assert (pd.Series(unknown) == answer).all()  # so it is
    series = crossed(pd.Series(unknown))
    assert series.isna().all() and not (series == answer).all()
    nan = {"list": [{"float": "nan"}, {"float": "nan"}]}
    if dtype == "Float64":
        forged = array_values.unpack({"series": [["nullable", nan, dtype], ["range", [0, 2, 1], None], None]})
        assert not (forged == answer).all()


FORGED = examples("sandbox/forged")


@pytest.mark.parametrize("sent", FORGED["values"], ids=lambda sent: str(sent)[:40])
def test_what_was_forged_is_refused(sent):
    with pytest.raises((TypeError, ValueError, KeyError, IndexError)):
        array_values.unpack(sent)
