"""Values as scripts that a page opened from file:// can load."""

import json
from collections.abc import Iterable
from math import isnan
from pathlib import Path


def data_script(key: str, value: object) -> str:
    """A script that calls `amongus(key, value)` and can do nothing else, whatever texts `value` holds.

    It is ASCII: no encoding, line separator or lone surrogate matters. `<` and `>` are escaped, so no tag or comment of
    HTML can begin or end in it.

    Raises:
        ValueError: a number is not finite.
    """
    called = ",".join(json.dumps(one, separators=(",", ":"), allow_nan=False) for one in (key, value))
    return f"amongus({called});\n".replace("<", "\\u003c").replace(">", "\\u003e")


def write_data(folder: Path, key: str, value: object) -> None:
    """Write `value` to `data/{key}.js` in `folder`."""
    path = folder / "data" / f"{key}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data_script(key, value), encoding="ascii")


def number(value: float | None, digits: int = 6) -> float | None:
    """A figure for the page: rounded, whole numbers as such; null where there is none."""
    if value is None or isnan(value):
        return None
    rounded = round(float(value), digits)
    return int(rounded) if rounded.is_integer() else rounded


def numbers(values: Iterable[float | None]) -> list[float | None]:
    """`number` of each value."""
    return [number(value) for value in values]
