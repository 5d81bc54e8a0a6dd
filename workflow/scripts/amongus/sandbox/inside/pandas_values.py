"""pandas' frames, series and indexes as plain data, for `array_values`: columns by type, indexes by kind."""

import datetime
import re
from collections.abc import Callable
from typing import Any

_NULLABLE = re.compile(r"U?Int(?:8|16|32|64)|Float(?:32|64)|boolean")
_FIXED_ZONE = re.compile(r"UTC([+-])(\d\d):(\d\d)")

Across = Callable[[Any], Any]
"""Packs or unpacks the content of a frame: `array_values.pack`, `array_values.unpack`."""


def pack(value: Any, across: Across) -> Any:
    """`value` as something `json` can write; None where it is not of a pandas type that crosses."""
    import pandas

    kind = type(value)
    if kind is pandas.DataFrame:
        columns = [_pack_column(value.iloc[:, place], across) for place in range(value.shape[1])]
        return {"frame": [columns, _pack_index(value.index, across), _pack_index(value.columns, across)]}
    if kind is pandas.Series:
        return {"series": [_pack_column(value, across), _pack_index(value.index, across), across(value.name)]}
    if isinstance(value, pandas.Index):
        return {"index": _pack_index(value, across)}
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        # As numpy's: a pandas array is true whatever it holds, and so would be `result == answer`.
        return across(value.to_numpy())
    if value is pandas.NaT or value is pandas.NA:
        return {"missing": "NaT" if value is pandas.NaT else "NA"}
    if kind in (pandas.Timestamp, pandas.Timedelta, pandas.Period, pandas.Interval):
        return {"moment": _pack_column(pandas.Index([value]), across)}
    return None


def _pack_column(values: Any, across: Across) -> Any:
    """The values of a series, an index or an array by their type."""
    import numpy
    import pandas

    kind = values.dtype
    if isinstance(kind, numpy.dtype):
        return ["plain", across(values.to_numpy())]
    if isinstance(kind, pandas.StringDtype):
        texts = [None if pandas.isna(text) else text for text in values]
        return ["text", across(texts), kind.storage, kind.na_value is pandas.NA]
    if _NULLABLE.fullmatch(str(kind)):
        return ["nullable", across([None if one is pandas.NA else one for one in values]), str(kind)]
    array = pandas.Index(values).array
    if isinstance(kind, pandas.CategoricalDtype):
        return ["category", across(array.codes), _pack_index(array.categories, across), bool(array.ordered)]
    if isinstance(kind, pandas.DatetimeTZDtype):
        return ["zoned", across(pandas.DatetimeIndex(array).tz_convert(None).to_numpy()), str(kind.tz)]
    if isinstance(kind, pandas.PeriodDtype):
        return ["period", across(array.asi8), pandas.PeriodIndex(array).freqstr]
    if isinstance(kind, pandas.IntervalDtype):
        return ["interval", *(_pack_column(side, across) for side in (array.left, array.right)), array.closed]
    return ["other", str(kind)]


def _pack_index(index: Any, across: Across) -> Any:
    import pandas

    if isinstance(index, pandas.RangeIndex):
        return ["range", [index.start, index.stop, index.step], across(index.name)]
    if isinstance(index, pandas.MultiIndex):
        levels = [_pack_index(level, across) for level in index.levels]
        return ["multi", levels, [across(codes) for codes in index.codes], across(list(index.names))]
    stepped = isinstance(index, pandas.DatetimeIndex | pandas.TimedeltaIndex)
    return ["flat", _pack_column(index, across), across(index.name), index.freqstr if stepped else None]


def _unpack_column(packed: Any, across: Across) -> Any:
    """An array of numpy's or pandas'."""
    import pandas

    kind, content, *rest = packed
    if kind == "plain":
        return _array(content, across)
    if kind == "text":
        texts = across(content)
        if any(text is not None and type(text) is not str for text in texts):
            raise TypeError("a value that is not a text in a column of texts")
        missing = pandas.NA if rest[1] else float("nan")
        return _comparable(pandas.array(texts, dtype=pandas.StringDtype(rest[0], na_value=missing)))
    if kind == "nullable" and _NULLABLE.fullmatch(rest[0]):
        return _comparable(pandas.array(across(content), dtype=rest[0]))
    if kind == "category":
        categories = _unpack_index(rest[0], across)
        return pandas.Categorical.from_codes(_array(content, across), categories, ordered=rest[1])
    if kind == "zoned":
        moments = pandas.DatetimeIndex(_array(content, across))
        return moments.tz_localize("UTC").tz_convert(_zone(rest[0])).array
    if kind == "period":
        return pandas.PeriodIndex.from_ordinals(_array(content, across), freq=rest[0]).array
    if kind == "interval":
        sides = [_unpack_column(side, across) for side in (content, rest[0])]
        return pandas.arrays.IntervalArray.from_arrays(*sides, closed=rest[1])
    raise TypeError(f"a result may not hold a column of type {str(content)[:80]}")


def _comparable(array: Any) -> Any:
    """`array`, as objects where it holds `NA`, which `(result == answer).all()` would ignore in a nullable array."""
    import pandas

    unknown = array.dtype.na_value is pandas.NA and array.isna().any()
    return array.to_numpy(dtype=object) if unknown else array


def _array(packed: Any, across: Across) -> Any:
    import numpy

    array = across(packed)
    if type(array) is not numpy.ndarray or array.ndim != 1:
        raise TypeError("a column must be a one-dimensional array")
    return array


def _zone(name: str) -> datetime.tzinfo:
    fixed = _FIXED_ZONE.fullmatch(name)
    if fixed:
        away = datetime.timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return datetime.timezone(-away if fixed[1] == "-" else away)
    if name == "UTC":
        return datetime.UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _unpack_index(packed: Any, across: Across) -> Any:
    import pandas

    kind, content, *rest = packed
    if kind == "range":
        return pandas.RangeIndex(*map(int, content), name=across(rest[0]))
    if kind == "multi":
        levels = [_unpack_index(level, across) for level in content]
        codes = [_array(one, across) for one in rest[0]]
        return pandas.MultiIndex(levels, codes, names=across(rest[1]), verify_integrity=True)
    column = _unpack_column(content, across)
    index = pandas.Index(column, dtype=column.dtype, name=across(rest[0]))
    if rest[1] is not None:
        index.freq = str(rest[1])
    return index


def _unpack_series(inner: Any, across: Across) -> Any:
    import pandas

    column, index, name = inner
    values = _unpack_column(column, across)
    return pandas.Series(values, _unpack_index(index, across), dtype=values.dtype, name=across(name))


def _unpack_frame(inner: Any, across: Across) -> Any:
    import pandas

    columns, index, heads = inner[0], _unpack_index(inner[1], across), _unpack_index(inner[2], across)
    arrays = [_unpack_column(column, across) for column in columns]
    # With its type, because pandas would make texts of objects.
    made = {place: pandas.Series(array, index, dtype=array.dtype) for place, array in enumerate(arrays)}
    frame = pandas.DataFrame(made, index=index)
    frame.columns = heads
    return frame


def _unpack_moment(inner: Any, across: Across) -> Any:
    import pandas

    return pandas.Index(_unpack_column(inner, across))[0]


def _unpack_missing(inner: Any, across: Across) -> Any:
    import pandas

    return pandas.NaT if inner == "NaT" else pandas.NA


UNPACKERS: dict[str, Callable[[Any, Across], Any]] = {
    "frame": _unpack_frame,
    "series": _unpack_series,
    "index": _unpack_index,
    "moment": _unpack_moment,
    "missing": _unpack_missing,
}
"""By tag."""
