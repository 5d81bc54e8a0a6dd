"""Arrays, frames and the like as plain data, from which the reader's own code rebuilds them.

A tag names what to build; numbers, bytes and texts are its content. The reader looks up no class, function or attribute
by a name that the sender chose, except a few on a list, and passes libraries only exact arrays, lists and texts whose
types, shapes and bounds were checked. What has no tag (distributions, masked arrays, subclasses) does not cross.
"""

import datetime
import re
import sys
from collections.abc import Callable
from typing import Any

from amongus.sandbox.inside import pandas_values
from amongus.sandbox.inside.plain_values import pack as pack_plain
from amongus.sandbox.inside.plain_values import unpack as unpack_plain

# No pointers, no structures, and no long doubles, some of whose bit patterns are not numbers.
_NUMBERS = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f[248]|c8|c16|[mM]8(?:\[\d{0,9}(?:[YMWDhms]|[munpfa]s)\])?)")
_TEXTS = re.compile(r"[<>|=]?(?:O|[SU]\d{1,7})")
_LAYOUTS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
_SPARSE = frozenset(f"{layout}_{kind}" for layout in _LAYOUTS for kind in ("array", "matrix"))


def pack(value: Any, depth: int = 0) -> Any:
    """`value` as something `json` can write, with marks for what does not cross."""
    return pack_plain(value, depth, _packed)


def unpack(packed: Any) -> Any:
    """The value that `pack` was given, or one that holds the same.

    Raises:
        Exception: `pack` did not write this, or the value does not cross.
    """
    return unpack_plain(packed, _UNPACKERS)


def _packed(value: Any, depth: int) -> Any:
    kind = type(value)
    module, name = str(kind.__module__), str(kind.__qualname__)
    if module == "numpy" and isinstance(value, sys.modules["numpy"].generic):
        return _tagged("scalar", _pack_array(sys.modules["numpy"].asarray(value), depth))
    if module.startswith("scipy.sparse.") and name in _SPARSE:
        return _pack_sparse(value, name, depth)
    if module.partition(".")[0] == "pandas":
        return pandas_values.pack(value, lambda inner: pack(inner, depth + 1))
    packer = _PACKERS.get(f"{module}.{name}")
    return packer(value, depth) if packer else None


def _tagged(tag: str, content: Any) -> Any:
    return content and {tag: content}


def _pack_array(array: Any, depth: int) -> Any:
    """Type, shape, and bytes or values; None for a type that does not cross."""
    if _NUMBERS.fullmatch(array.dtype.str):
        return [array.dtype.str, array.shape, array.tobytes().hex()]
    if _TEXTS.fullmatch(array.dtype.str):
        return [array.dtype.str, array.shape, [pack(one, depth + 1) for one in array.ravel().tolist()]]
    return None


def _unpack_array(inner: Any) -> Any:
    import numpy

    kind, shape, content = inner
    if _TEXTS.fullmatch(kind):
        values = [unpack(one) for one in content]
        array = numpy.empty(len(values), dtype=kind)
        for place, value in enumerate(values):
            if array.dtype.kind != "O" and type(value) is not {"S": bytes, "U": str}[array.dtype.kind]:
                raise TypeError(f"a {type(value).__name__} in an array of texts")
            array[place] = value
    elif _NUMBERS.fullmatch(kind):
        array = numpy.frombuffer(bytearray.fromhex(content), dtype=numpy.uint8 if "b" in kind else kind)
        array = array != 0 if "b" in kind else array.copy()
    else:
        raise TypeError(f"an array of type {kind}")
    return array.reshape([int(length) for length in shape])


def _unpack_matrix(inner: Any) -> Any:
    import numpy

    return _unpack_array(inner).view(numpy.matrix)


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
    if tensor.layout != sys.modules["torch"].strided or tensor.dtype == sys.modules["torch"].bfloat16:
        return None
    packed = _pack_array(tensor.detach().cpu().numpy(), depth)
    return packed and {"tensor": [packed, bool(tensor.requires_grad)]}


def _unpack_tensor(inner: Any) -> Any:
    import torch

    array, needs_grad = inner
    made = torch.as_tensor(_unpack_array(array))
    return made.requires_grad_() if needs_grad else made


def _of_pandas(build: Callable[[Any, pandas_values.Across], Any]) -> Callable[[Any], Any]:
    return lambda inner: build(inner, unpack)


def _refuse(inner: Any) -> Any:
    raise TypeError(f"a result may not hold a {str(inner)[:80]}")


_PACKERS: dict[str, Callable[[Any, int], Any]] = {
    "numpy.ndarray": lambda value, depth: _tagged("array", _pack_array(value, depth)),
    "numpy.matrix": lambda value, depth: _tagged("matrix", _pack_array(value, depth)),
    "numpy.matrixlib.defmatrix.matrix": lambda value, depth: _tagged("matrix", _pack_array(value, depth)),
    "torch.Tensor": _pack_tensor,
    "builtins.range": lambda value, depth: {"range": [pack(n) for n in (value.start, value.stop, value.step)]},
    "datetime.date": lambda value, depth: {"date": value.isoformat()},
    "datetime.datetime": lambda value, depth: {"datetime": value.isoformat()},
    "datetime.timedelta": lambda value, depth: {"timedelta": [value.days, value.seconds, value.microseconds]},
}
_UNPACKERS: dict[str, Callable[[Any], Any]] = {
    "array": _unpack_array,
    "matrix": _unpack_matrix,
    "scalar": lambda inner: _unpack_array(inner)[()],
    "sparse": _unpack_sparse,
    "tensor": _unpack_tensor,
    "range": lambda inner: range(*map(unpack, inner)),
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "timedelta": lambda inner: datetime.timedelta(*inner),
    "opaque": _refuse,
    **{tag: _of_pandas(build) for tag, build in pandas_values.UNPACKERS.items()},
}
