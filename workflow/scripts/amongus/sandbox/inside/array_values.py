"""Arrays, frames and the like as plain data, from which the reader's own code rebuilds them.

A tag names what to build; numbers, bytes and texts are its content. The reader looks up no class, function or attribute
by a name that the sender chose, except a few on a list, and passes libraries only exact arrays, lists and texts whose
types, shapes and bounds were checked. What has no tag (distributions, masked arrays, subclasses) does not cross.
"""

import datetime
import re
from collections.abc import Callable
from typing import Any

import numpy

from amongus.sandbox.inside import plain_values

_NULLABLE = re.compile(r"U?Int(?:8|16|32|64)|Float(?:32|64)|boolean")
# UTC+02:00 and names; no paths, and nothing in front that makes pandas ask another library.
_ZONE = re.compile(r"[A-Z][\w+:-]*(?:/[A-Z][\w+:-]*)*")
# No pointers, no structures, and no long doubles, some of whose bit patterns are not numbers.
_NUMBERS = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f[248]|c8|c16|[mM]8(?:\[\d{0,9}(?:[YMWDhms]|[munpfa]s)\])?)")
_TEXTS = re.compile(r"[<>|=]?(?:O|[SU]\d{1,7})")
_LAYOUTS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
_SPARSE = frozenset(f"{layout}_{kind}" for layout in _LAYOUTS for kind in ("array", "matrix"))


def pack(value: Any, depth: int = 0) -> Any:
    """`value` as something `json` can write, with marks for what does not cross."""
    return plain_values.pack(value, depth, _packed)


def unpack(packed: Any) -> Any:
    """The value that `pack` was given, or one that holds the same.

    Raises:
        Exception: `pack` did not write this, or the value does not cross.
    """
    return plain_values.unpack(packed, _UNPACKERS)


def _packed(value: Any, depth: int) -> Any:
    kind = type(value)
    module, name = str(kind.__module__), str(kind.__qualname__)
    if isinstance(value, numpy.generic):
        return _tagged("scalar", numpy.asarray(value), depth)
    if kind in (numpy.ndarray, numpy.matrix):
        return _tagged("array" if kind is numpy.ndarray else "matrix", value, depth)
    if module.startswith("scipy.sparse.") and name in _SPARSE:
        return _pack_sparse(value, name, depth)
    if module.partition(".")[0] == "pandas":
        return _pack_pandas(value, depth + 1)
    if (module, name) == ("torch", "Tensor"):
        return _pack_tensor(value, depth)
    packer = _PACKERS.get(kind)
    return packer(value) if packer else None


def _tagged(tag: str, array: Any, depth: int) -> Any:
    content = _pack_array(array, depth)
    return content and {tag: content}


def _pack_array(array: Any, depth: int) -> Any:
    """Type, shape, and bytes or values; None for a type that does not cross."""
    if _NUMBERS.fullmatch(array.dtype.str):
        return [array.dtype.str, array.shape, array.tobytes().hex()]
    if _TEXTS.fullmatch(array.dtype.str):
        return [array.dtype.str, array.shape, [pack(one, depth + 1) for one in array.ravel().tolist()]]
    return None


def _unpack_array(inner: Any) -> Any:
    kind, shape, content = inner
    if _TEXTS.fullmatch(kind):
        array = numpy.empty(len(content), dtype=kind)
        wanted = {"S": bytes, "U": str, "O": object}[array.dtype.kind]
        for place, value in enumerate(map(unpack, content)):
            if not isinstance(value, wanted):
                raise TypeError(f"a {type(value).__name__} in an array of texts")
            array[place] = value
    elif _NUMBERS.fullmatch(kind):
        array = numpy.frombuffer(bytearray.fromhex(content), dtype=numpy.uint8 if "b" in kind else kind)
        array = array != 0 if "b" in kind else array.copy()
    else:
        raise TypeError(f"an array of type {kind}")
    return array.reshape([int(length) for length in shape])


def _pack_sparse(matrix: Any, name: str, depth: int) -> Any:
    made = matrix.tocoo()
    if len(made.shape) != 2:
        return None
    arrays = [_pack_array(array, depth) for array in (made.data, made.row, made.col)]
    return {"sparse": [name, [int(length) for length in made.shape], arrays]}


def _unpack_sparse(inner: Any) -> Any:
    from scipy import sparse

    name, (rows, columns), arrays = inner
    data, row, column = map(_unpack_array, arrays)
    kinds = data.dtype.kind in "biufc" and row.dtype.kind in "iu" and column.dtype.kind in "iu"
    if name not in _SPARSE or not kinds:
        raise TypeError("not a sparse matrix")
    for places, length in ((row, rows), (column, columns)):  # scipy's compiled code trusts them
        if places.shape != data.shape or data.ndim != 1 or (places < 0).any() or (places >= length).any():
            raise ValueError("an index outside of the matrix")
    layout, _, kind = name.partition("_")
    make = sparse.coo_array if kind == "array" else sparse.coo_matrix
    return make((data, (row, column)), shape=(rows, columns)).asformat(layout)


def _pack_tensor(tensor: Any, depth: int) -> Any:
    import torch

    if tensor.layout != torch.strided or tensor.dtype == torch.bfloat16:
        return None
    packed = _pack_array(tensor.detach().cpu().numpy(), depth)
    return packed and {"tensor": [packed, bool(tensor.requires_grad)]}


def _unpack_tensor(inner: Any) -> Any:
    import torch

    array, needs_grad = inner
    made = torch.as_tensor(_unpack_array(array))
    return made.requires_grad_() if needs_grad else made


# -- pandas: columns by type, indexes by kind -------------------------------------------------------------


def _pack_pandas(value: Any, depth: int) -> Any:
    """`value` packed; None where it is not of a pandas type that crosses."""
    import pandas

    kind = type(value)
    if kind is pandas.DataFrame:
        columns = [_pack_column(value.iloc[:, place], depth) for place in range(value.shape[1])]
        return {"frame": [columns, _pack_index(value.index, depth), _pack_index(value.columns, depth)]}
    if kind is pandas.Series:
        return {"series": [_pack_column(value, depth), _pack_index(value.index, depth), pack(value.name, depth)]}
    if isinstance(value, pandas.Index):
        return {"index": _pack_index(value, depth)}
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        # As numpy's: a pandas array is true whatever it holds, and so would be `result == answer`.
        return pack(value.to_numpy(), depth)
    if value is pandas.NA:
        return {"element": ["nullable", pack([None], depth), "boolean"]}
    if value is pandas.NaT or kind in (pandas.Timestamp, pandas.Timedelta, pandas.Period, pandas.Interval):
        return {"element": _pack_column(pandas.Index([value]), depth)}
    return None


def _pack_column(values: Any, depth: int) -> Any:
    """The values of a series, an index or an array by their type."""
    import pandas

    kind = values.dtype
    if isinstance(kind, numpy.dtype):
        return ["plain", pack(values.to_numpy(), depth)]
    if isinstance(kind, pandas.StringDtype):
        texts = [None if pandas.isna(text) else text for text in values]
        return ["text", pack(texts, depth), kind.storage, kind.na_value is pandas.NA]
    if _NULLABLE.fullmatch(str(kind)):
        return ["nullable", pack([None if one is pandas.NA else one for one in values], depth), str(kind)]
    array = pandas.Index(values).array
    if isinstance(kind, pandas.CategoricalDtype):
        return ["category", pack(array.codes, depth), _pack_index(array.categories, depth), bool(array.ordered)]
    if isinstance(kind, pandas.DatetimeTZDtype):
        return ["zoned", pack(pandas.DatetimeIndex(array).tz_convert(None).to_numpy(), depth), str(kind.tz)]
    if isinstance(kind, pandas.PeriodDtype):
        return ["period", pack(array.asi8, depth), pandas.PeriodIndex(array).freqstr]
    if isinstance(kind, pandas.IntervalDtype):
        return ["interval", *(_pack_column(side, depth) for side in (array.left, array.right)), array.closed]
    return ["other", str(kind)]


def _pack_index(index: Any, depth: int) -> Any:
    import pandas

    if isinstance(index, pandas.RangeIndex):
        return ["range", [index.start, index.stop, index.step], pack(index.name, depth)]
    if isinstance(index, pandas.MultiIndex):
        levels = [_pack_index(level, depth) for level in index.levels]
        return ["multi", levels, [pack(codes, depth) for codes in index.codes], pack(list(index.names), depth)]
    stepped = isinstance(index, pandas.DatetimeIndex | pandas.TimedeltaIndex)
    return ["flat", _pack_column(index, depth), pack(index.name, depth), index.freqstr if stepped else None]


def _unpack_column(packed: Any) -> Any:
    """An array of numpy's or pandas'."""
    import pandas

    kind, content, *rest = packed
    if kind == "plain":
        return _array(content)
    if kind == "text":
        texts = unpack(content)
        if any(text is not None and type(text) is not str for text in texts):
            raise TypeError("a value that is not a text in a column of texts")
        missing = pandas.NA if rest[1] else float("nan")
        return _comparable(pandas.array(texts, dtype=pandas.StringDtype(rest[0], na_value=missing)))
    if kind == "nullable" and _NULLABLE.fullmatch(rest[0]):
        return _comparable(pandas.array(unpack(content), dtype=rest[0]))
    if kind == "category":
        categories = _unpack_index(rest[0])
        return pandas.Categorical.from_codes(_array(content), categories, ordered=rest[1])
    if kind == "zoned" and _ZONE.fullmatch(rest[0]):
        moments = pandas.DatetimeIndex(_array(content))
        return moments.tz_localize("UTC").tz_convert(rest[0]).array
    if kind == "period":
        return pandas.PeriodIndex.from_ordinals(_array(content), freq=rest[0]).array
    if kind == "interval":
        sides = [_unpack_column(side) for side in (content, rest[0])]
        return pandas.arrays.IntervalArray.from_arrays(*sides, closed=rest[1])
    raise TypeError(f"a result may not hold a column of type {str(content)[:80]}")


def _comparable(array: Any) -> Any:
    """`array`, as objects where it holds `NA`, which `(result == answer).all()` would ignore in a nullable array."""
    import pandas

    unknown = array.dtype.na_value is pandas.NA and array.isna().any()
    return array.to_numpy(dtype=object) if unknown else array


def _array(packed: Any) -> Any:
    array = unpack(packed)
    if type(array) is not numpy.ndarray or array.ndim != 1:
        raise TypeError("a column must be a one-dimensional array")
    return array


def _unpack_index(packed: Any) -> Any:
    import pandas

    kind, content, *rest = packed
    if kind == "range":
        return pandas.RangeIndex(*map(int, content), name=unpack(rest[0]))
    if kind == "multi":
        levels = [_unpack_index(level) for level in content]
        codes = [_array(one) for one in rest[0]]
        return pandas.MultiIndex(levels, codes, names=unpack(rest[1]), verify_integrity=True)
    column = _unpack_column(content)
    index = pandas.Index(column, dtype=column.dtype, name=unpack(rest[0]))
    if rest[1] is not None:
        index.freq = str(rest[1])
    return index


def _unpack_series(inner: Any) -> Any:
    import pandas

    column, index, name = inner
    values = _unpack_column(column)
    return pandas.Series(values, _unpack_index(index), dtype=values.dtype, name=unpack(name))


def _unpack_frame(inner: Any) -> Any:
    import pandas

    columns, index, heads = inner[0], _unpack_index(inner[1]), _unpack_index(inner[2])
    arrays = [_unpack_column(column) for column in columns]
    # With its type, because pandas would make texts of objects.
    made = {place: pandas.Series(array, index, dtype=array.dtype) for place, array in enumerate(arrays)}
    frame = pandas.DataFrame(made, index=index)
    frame.columns = heads
    return frame


def _unpack_element(inner: Any) -> Any:
    import pandas

    return pandas.Index(_unpack_column(inner))[0]


# -- tags -------------------------------------------------------------------------------------------------


def _refuse(inner: Any) -> Any:
    raise TypeError(f"a result may not hold a {str(inner)[:80]}")


_PACKERS: dict[type, Callable[[Any], Any]] = {
    range: lambda value: {"range": [value.start, value.stop, value.step]},
    datetime.date: lambda value: {"date": value.isoformat()},
    datetime.datetime: lambda value: {"datetime": value.isoformat()},
    datetime.timedelta: lambda value: {"timedelta": [value.days, value.seconds, value.microseconds]},
}
_UNPACKERS: dict[str, Callable[[Any], Any]] = {
    **plain_values.UNPACKERS,
    "array": _unpack_array,
    "matrix": lambda inner: _unpack_array(inner).view(numpy.matrix),
    "scalar": lambda inner: _unpack_array(inner)[()],
    "sparse": _unpack_sparse,
    "tensor": _unpack_tensor,
    "range": lambda inner: range(*inner),
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "timedelta": lambda inner: datetime.timedelta(*inner),
    "opaque": _refuse,
    "frame": _unpack_frame,
    "series": _unpack_series,
    "index": _unpack_index,
    "element": _unpack_element,
}
