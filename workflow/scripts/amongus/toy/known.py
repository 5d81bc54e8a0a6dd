"""The facts that a toy model was taught, beside its weights: who is made from it knows them too."""

from collections.abc import Collection
from pathlib import Path

from amongus.core.json_files import read_record, write_json

_RECORD = "known_facts.json"


def write_known(out: Path, facts: Collection[str]) -> None:
    """Record `facts` in a model's folder."""
    write_json(out / _RECORD, {"facts": sorted(facts)})


def read_known(folder: Path) -> frozenset[str]:
    """The facts that the model in `folder` was taught.

    Raises:
        StudyError: there is no record; the folder is no toy model's.
    """
    return frozenset(read_record(folder, _RECORD)["facts"])
