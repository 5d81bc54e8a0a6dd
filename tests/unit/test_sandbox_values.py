"""What crosses from the code under test to its tests: data, and nothing that acts or equals of itself."""

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongus.sandbox.inside import objects
from amongus.sandbox.inside.values import Opaque, pack, unpack

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
PLAIN = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers())
    ),
)


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


@pytest.mark.parametrize(
    "broken", [{}, [], {"int": "x"}, {"list": 3}, {"eval": "1"}, {"int": "1", "float": "1"}, 1]
)
def test_what_was_not_packed_is_refused(broken):
    with pytest.raises((ValueError, TypeError, KeyError)):
        unpack(broken)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        np.array(["a", None], dtype=object),
        pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2020-01-01", None])}),
        pd.Series([1, 2], index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]), name="n"),
        pd.Series(["a", "b"], dtype="category"),
        pd.Timestamp("2020-01-01", tz="UTC"),
        {"a": [1, (2.5, None)], "b": {3}},
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrays_and_frames_come_back(value):
    back = objects.load(objects.dump(value))
    assert type(back) is type(value)
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(back, value)
    elif isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(back, value)
    elif isinstance(value, pd.Series):
        pd.testing.assert_series_equal(back, value)
    else:
        assert back == value


def reduced(callable_, *arguments):
    class Reduced:
        def __reduce__(self):
            return callable_, arguments

    return pickle.dumps(Reduced())


def test_nothing_else_is_rebuilt():
    import os

    from scipy import stats

    for content in (
        reduced(exec, "raise SystemExit"),
        reduced(os.system, "true"),
        reduced(getattr, "a", "join"),
        reduced(pd.eval, "1"),
        reduced(np.load, "x"),
        pickle.dumps(Odd()),
        pickle.dumps(stats.norm),
        pickle.dumps(np.ma.masked_all(3)),
        pickle.dumps(np.vectorize(len)),
        b"cpandas.io.common\nos.system\n.",
        b"csklearn.utils\nos\n.",
        b"cnumpy.testing\nassert_equal\n.",
        b"cpandas.core.frame\nsys\n.",
    ):
        with pytest.raises((pickle.UnpicklingError, AttributeError)):
            objects.load(content)
