"""From a config to a study: every mistake is found before anything runs, and reported in a line of its own."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from snakemake.utils import update_config

from amongus.core.errors import ConfigError, StudyError
from amongus.study.code_digest import SCRIPTS
from amongus.study.config import NAMED_AFTER_KIND, PARTS, Part, StudyConfig, part
from amongus.study.plugins import alternative, available
from amongus.study.settings import Fidelity, alternatives
from amongus.study.study import Study
from amongus.study.validation import Fault, Keys, check

_TYPES = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "an integer",
    "list": "a list",
    "model": "a mapping",
    "string": "text",
    "tuple": "a list",
}
"""What pydantic's errors of a wrong type begin with, and what is wanted."""
_PATHS = ("accelerate", "datasets_folder", "folder", "hub_folder", "path", "personas", "prompts")
"""Keys whose values are paths, beside every value that ends in `.py`."""
_FIDELITIES = get_args(get_args(Fidelity)[0])
_LONGEST = 80  # characters of a value that are shown


def load_study(config: Mapping[str, Any], files: Sequence[str | Path] = ()) -> Study:
    """The study that a config describes.

    A relative path is one in the working directory; what is not there may be beside the study's files, or in the
    repository's folder.

    Args:
        config: as read from YAML or from the command line, where numbers may be text.
        files: that it was read from, later ones over earlier, to be named beside what is wrong.

    Raises:
        ConfigError: a line for each mistake: the file, the keys, the value, and what is allowed.
    """
    faults: list[Fault] = []
    defaults = {key: StudyConfig.model_fields[key].default for key in ("prompts", "personas")}
    folders = [*(Path(file).absolute().parent for file in reversed(files)), SCRIPTS.parents[1]]
    if parsed := _parsed(_found({**defaults, **config}, folders), faults):
        study = Study(parsed)
        faults += check(study)
    if faults:
        raise ConfigError([f"{_file(fault.keys, config, files)}: {fault}" for fault in faults])
    return study


def read_study(paths: Sequence[str | Path]) -> Study:
    """The study of some files, later ones merged over earlier as by Snakemake's `--configfile`.

    Raises:
        StudyError: a file cannot be read, or something in it is wrong.
    """
    return load_study(read_configs(paths), paths)


def read_configs(paths: Iterable[str | Path]) -> dict[str, Any]:
    """What the files of a study say, later ones merged over earlier; defaults are not filled in.

    Raises:
        StudyError: a file is missing or not a YAML mapping.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise StudyError(f"{path}: not a study's config ({error}); give one like config/demo.yaml") from None
        if not isinstance(content, dict):
            raise StudyError(f"{path}: not a study's config; give one like config/demo.yaml")
        update_config(merged, content)
    return merged


def _found(value: Any, folders: Sequence[Path], key: object = None) -> Any:
    """A config with relative paths that the working directory lacks, and one of `folders` has, made absolute."""
    if isinstance(value, Mapping):
        return {name: _found(one, folders, name) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_found(one, folders, key) for one in value]
    if not isinstance(value, str) or not (key in _PATHS or value.endswith(".py")) or _exists(Path(value)):
        return value
    return next((str(folder / value) for folder in folders if _exists(folder / value)), value)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # No path at all.
        return False


def _parsed(config: Mapping[str, Any], faults: list[Fault]) -> StudyConfig | None:
    """The config with its types and defaults: each part by the settings of its kind, then the whole.

    What is wrong is added to `faults`; the result is then None.
    """
    filled: dict[str, Any] = dict(config)
    for section in PARTS:
        if isinstance(config.get(section), Mapping):  # Else the whole is wrong.
            parts = {name: _part(section, name, values, config) for name, values in config[section].items()}
            filled[section] = {name: part for name, part in parts.items() if isinstance(part, Part)}
            faults += [fault for part in parts.values() if isinstance(part, list) for fault in part]
    try:
        whole = StudyConfig.model_validate(filled)
    except ValidationError as error:
        # A section may be too short only because its faulty parts are left out.
        sections = {fault.keys[:1] for fault in faults}
        faults += [fault for fault in _faults(error, StudyConfig) if fault.keys not in sections]
    return None if faults else whole


def _part(section: str, name: str, values: Any, config: Mapping[str, Any]) -> Part | list[Fault]:
    """One entry of a section whose entries have a kind, or what is wrong with it."""
    named = isinstance(values, Mapping) and "kind" in values
    keys = (section, name, "kind") if named else (section, name)
    if not isinstance(values, Mapping | None):
        return [Fault(keys, f"{_shown(values)} must be a mapping of settings")]
    values = {**({"kind": name} if section in NAMED_AFTER_KIND else {}), **(values or {})}
    kind = values.get("kind")
    if not isinstance(kind, str):
        return [Fault(keys, f"needs a kind: one of {', '.join(available(section))}, or a Python file")]
    try:
        model = part(section, kind)
    except StudyError as error:
        return [Fault(keys, str(error))]
    if "fidelity" in model.own and config.get("fidelity") in _FIDELITIES:
        values.setdefault("fidelity", config["fidelity"])
    try:
        return model.model_validate(values)
    except ValidationError as error:
        return _faults(error, model, (section, name))


def _faults(error: ValidationError, model: type[BaseModel], within: Keys = ()) -> list[Fault]:
    """What pydantic found wrong with the part of a config `within` these keys, a line for each key."""
    wrong: dict[Keys, list[str]] = {}
    missing: dict[Keys, list[str]] = {}
    ends: dict[Keys, str] = {}
    details = error.errors(include_url=False)
    for detail in details:
        loc = detail["loc"]
        # pydantic also calls a list too short whose items are wrong.
        if detail["type"] == "too_short" and any(one["loc"][:-1] == loc for one in details):
            continue
        inner, owner, field = _located(model, loc)
        keys: Keys = (*within, *inner)
        if detail["type"] == "missing":
            missing.setdefault(keys[:-1], []).append(str(keys[-1]))
        elif detail["type"] == "extra_forbidden":
            wrong[keys] = [f"unknown key{alternative(keys[-1], owner.model_fields)}"]
        else:
            wrong.setdefault(keys, [_shown(detail["input"])]).append(_demand(detail))
            ends[keys] = f" ({field.description.rstrip('.')})" if field and field.description else ""
    faults = [Fault(keys, f"needs {', '.join(names)}") for keys, names in missing.items()]
    for keys, (first, *demands) in wrong.items():
        faults.append(Fault(keys, " ".join([first, " or ".join(demands)]).strip() + ends.get(keys, "")))
    return faults


def _located(model: type[BaseModel], loc: Keys) -> tuple[Keys, type[BaseModel], FieldInfo | None]:
    """The keys that pydantic's `loc` means, the innermost model there, and the field, if it is one.

    `loc` also holds the branch of a union, and marks what is wrong with a key itself.
    """
    owner, field, annotation = model, None, model
    for place, key in enumerate(loc):
        if key == "[key]":
            return loc[:place], owner, None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            owner, field = annotation, annotation.model_fields.get(str(key))
            inner = field.annotation if field else None
        else:
            inner = next((one for one in reversed(get_args(annotation)) if one is not Ellipsis), None)
        annotation = _bare(inner)
        if len(alternatives(annotation)) > 1:
            return loc[: place + 1], owner, field
    return loc, owner, field


def _bare(annotation: Any) -> Any:
    """A type without its metadata and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    kept = [one for one in alternatives(annotation) if one is not type(None)]
    return _bare(kept[0]) if len(kept) == 1 and kept[0] is not annotation else annotation


def _demand(detail: ErrorDetails) -> str:
    """What is allowed in place of a value."""
    first, _, rest = detail["type"].partition("_")
    if first in _TYPES and rest in ("type", "parsing", "from_float"):
        return f"must be {_TYPES[first]}"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    return re.sub(r"^\w+ should", "must", detail["msg"])


def _shown(value: Any) -> str:
    """A value as messages show it, cut where it is long; nothing for a mapping."""
    text = "" if isinstance(value, Mapping) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _file(keys: Keys, config: Mapping[str, Any], files: Sequence[str | Path]) -> str:
    """The last of the files that holds what the config holds at `keys`, or most of the way there."""
    trees = {str(file): read_configs([file]) for file in reversed(files)}
    for length in range(len(keys), 0, -1):
        for file, tree in trees.items():
            found, there = (_at(one, keys[:length]) for one in (tree, config))
            if found is not None and (found == there or isinstance(found, Mapping)):
                return file
    return "config"


def _at(tree: Any, keys: Keys) -> Any:
    """What a config holds at `keys`; None where there is nothing."""
    try:
        return reduce(getitem, keys, tree)
    except (LookupError, TypeError):
        return None
