"""What of a repository is fetched, and what makes it unfit: known before its weights are downloaded.

Pickles and code are not on the list of what is fetched, so they are no reason to refuse what lies beside them.
"""

import json
import re
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from amongus.core.errors import StudyError
from amongus.members.lora_config import adapter_settings

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
MODULES = "modules.json"

_CONFIGS = ("*.json", "*.jinja", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model")
_VOCABULARY = {"tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model"}
# A checkpoint with an adapter's config beside it would be loaded as an adapter of whatever that names.
_NOT_OF_A_CHECKPOINT = {ADAPTER_CONFIG, "trainer_state.json"}
_LARGEST_CONFIG = 1 << 28  # bytes
_LONGEST_HEADER = 1 << 27  # bytes
_EMBEDDINGS = ("embed_tokens.weight", "word_embeddings.weight", "wte.weight")


@dataclass(frozen=True)
class Entry:
    """A file of a repository: its bytes, and its sha256 or git's sha1 of the blob, as far as they are known."""

    size: int
    sha256: str | None = None
    blob: str | None = None


class Source(Protocol):
    """A repository at one commit, on the hub or in a folder."""

    name: str
    """What messages call it."""
    entries: Mapping[str, Entry]

    def get(self, file: str, target: Path) -> None:
        """Make `target` the file, whole and checked; nothing to do where it is there."""

    def read(self, file: str, start: int, size: int) -> bytes:
        """`size` bytes of the file from `start` on."""

    def needs(self, files: Collection[str], scratch: Path) -> int:
        """Bytes that `get` has still to write for `files` below `scratch`."""


def check_names(source: Source) -> None:
    """Refuse a repository with a file that would land outside its folder.

    Raises:
        StudyError: it names the file.
    """
    for file in source.entries:
        _check_path(source, file)


def configs(source: Source, lora: bool) -> list[str]:
    """The tokenizer and JSON files that are fetched of an adapter (`lora`) or checkpoint.

    Raises:
        StudyError: there are no safetensors to go with them, or a file is larger than such files are.
    """
    if lora:
        found = [ADAPTER_CONFIG]
    else:
        left_out = _NOT_OF_A_CHECKPOINT | ({INDEX} if WEIGHTS in source.entries else set())
        kinds = [file for file in source.entries if any(fnmatchcase(file, kind) for kind in _CONFIGS)]
        found = sorted(file for file in kinds if "/" not in file and file not in left_out)
    weights = [ADAPTER_WEIGHTS] if lora else [WEIGHTS, INDEX]
    if not set(weights) & source.entries.keys():
        raise StudyError(_without_safetensors(source, lora, " or ".join(weights)))
    needed = ADAPTER_CONFIG if lora else "config.json"
    if needed not in source.entries:
        raise StudyError(f"{source.name}: no {needed}; give another repository")
    return _small(source, found)


def module_configs(source: Source, folder: Path) -> list[str]:
    """The configs of the modules behind a sentence embedder, as its `modules.json` in `folder` lists them.

    Raises:
        StudyError: a module lies outside the repository or is code of its own.
    """
    if not (folder / MODULES).exists():
        return []
    found = []
    listed = _json(source, folder, MODULES)
    for module in listed if isinstance(listed, list) else [None]:
        try:
            kind, path = str(module["type"]), str(module["path"])
        except (TypeError, KeyError):
            raise StudyError(
                f"{source.name}: {MODULES} is no list of modules; give another repository"
            ) from None
        if not re.fullmatch(r"sentence_transformers(\.\w+)+", kind):
            raise StudyError(
                f"{source.name}: {MODULES} asks for the class {kind}, which is remote code; give another repository"
            )
        if path:
            _check_path(source, path)
            found.append(f"{path}/config.json")
    return _small(source, [file for file in found if file in source.entries])


def weights(source: Source, folder: Path, lora: bool) -> list[str]:
    """The safetensors files that are fetched, the configs being in `folder`.

    Raises:
        StudyError: the index names files that are not there, or lie elsewhere.
    """
    if lora:
        return [ADAPTER_WEIGHTS]
    modules = [str(PurePosixPath(file).parent / WEIGHTS) for file in module_configs(source, folder)]
    return [*_main_weights(source, folder), *(file for file in modules if file in source.entries)]


def _main_weights(source: Source, folder: Path) -> list[str]:
    if WEIGHTS in source.entries:
        return [WEIGHTS]
    index = _json(source, folder, INDEX)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if (
        not isinstance(shards, dict)
        or not shards
        or not all(isinstance(name, str) for name in shards.values())
    ):
        raise StudyError(f"{source.name}: {INDEX} has no weight_map; give another repository")
    for shard in sorted(set(shards.values())):
        if "/" in shard or not shard.endswith(".safetensors"):
            raise StudyError(
                f"{source.name}: {INDEX} points at {shard!r}, which is no safetensors file beside it; "
                "give another repository"
            )
        if shard not in source.entries:
            raise StudyError(f"{source.name}: {INDEX} names {shard}, which is missing; give another revision")
    return sorted(set(shards.values()))


def check_checkpoint(source: Source, folder: Path, files: Collection[str]) -> None:
    """Check a checkpoint whose configs are in `folder`, reading only the headers of its weights `files`.

    Raises:
        StudyError: it needs remote code, a file is no safetensors, or it has no tokenizer or one that does not fit.
    """
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        content = _json(source, folder, name)
        if not name.endswith("config.json"):
            continue
        if not isinstance(content, dict):
            raise StudyError(f"{source.name}: {name} is no JSON object; give another repository")
        for key in ("auto_map", "custom_code"):
            if content.get(key):
                raise StudyError(
                    f"{source.name}: {name} has '{key}', so it needs remote code; give another repository"
                )
    if not _VOCABULARY & {path.name for path in folder.iterdir()}:
        raise StudyError(
            f"{source.name}: no tokenizer (tokenizer.json, or a vocabulary); give a repository that has one"
        )
    rows = _rows(source, folder, files)
    known = _tokens(source, folder)
    if rows is not None and known > rows:
        raise StudyError(
            f"{source.name}: the tokenizer has {known} tokens, the model {rows} rows of embeddings; "
            "give the revision where they fit"
        )


def check_adapter(source: Source, folder: Path, base: str | None) -> None:
    """Check an adapter whose config is in `folder`; `base` is the repository it must name, None for any.

    Raises:
        StudyError: it is of another kind, needs remote code, or belongs to another base.
    """
    config = _json(source, folder, ADAPTER_CONFIG)
    adapter_settings(config, f"{source.name}: {ADAPTER_CONFIG}")
    named = str(config.get("base_model_name_or_path"))
    if base is not None and named.lower() != base.lower():
        raise StudyError(
            f"{source.name}: {ADAPTER_CONFIG} names the base {named!r}, the study {base!r}; give the base it was "
            "trained on, or, if that is another name of the same, trained_on"
        )
    header(source, ADAPTER_WEIGHTS)


def header(source: Source, file: str) -> dict[str, Any]:
    """The header of a safetensors file: tensor -> dtype, shape and data_offsets.

    Raises:
        StudyError: it is none, or is shorter or longer than its header says.
    """
    size = source.entries[file].size
    try:
        (length,) = struct.unpack("<Q", source.read(file, 0, 8) if size >= 8 else b"")
        if length > min(size - 8, _LONGEST_HEADER):
            raise ValueError("header longer than the file")
        tensors = json.loads(source.read(file, 8, length))
        tensors.pop("__metadata__", None)
        ends = [int(tensor["data_offsets"][1]) for tensor in tensors.values()]
        [len(tensor["shape"]) for tensor in tensors.values()]
        if max(ends, default=0) != size - 8 - length:
            raise ValueError("shorter or longer than its header says")
    except (struct.error, ValueError, RecursionError, AttributeError, LookupError, TypeError) as error:
        raise StudyError(
            f"{source.name}: {file} is no safetensors file ({error}); give another repository or revision"
        ) from None
    return tensors


def _rows(source: Source, folder: Path, files: Collection[str]) -> int | None:
    """Rows of the embeddings, by the weights' headers; what config.json says where no tensor has a known name."""
    shapes = [
        tensor["shape"]
        for file in files
        for name, tensor in header(source, file).items()
        if name.endswith(_EMBEDDINGS)
    ]
    if shapes:
        return max((shape[0] for shape in shapes if shape and isinstance(shape[0], int)), default=0)
    said = _json(source, folder, "config.json").get("vocab_size")
    return said if isinstance(said, int) else None


def _tokens(source: Source, folder: Path) -> int:
    """One more than the highest token id that the tokenizer's files know; 0 where they say nothing."""
    try:
        return 1 + max(_ids(source, folder), default=-1)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise StudyError(
            f"{source.name}: the tokenizer's files cannot be read ({error}); give another repository"
        ) from None


def _ids(source: Source, folder: Path) -> Iterator[int]:
    present = {path.name for path in folder.iterdir()}
    if "tokenizer.json" in present:
        whole = _json(source, folder, "tokenizer.json")
        vocabulary = whole["model"].get("vocab", {})
        yield from map(int, vocabulary.values()) if isinstance(vocabulary, dict) else range(len(vocabulary))
        yield from (int(token["id"]) for token in whole.get("added_tokens") or ())
    for name in sorted({"vocab.json", "added_tokens.json"} & present):
        yield from map(int, _json(source, folder, name).values())
    if "tokenizer_config.json" in present:
        yield from map(int, _json(source, folder, "tokenizer_config.json").get("added_tokens_decoder") or ())


def _small(source: Source, files: list[str]) -> list[str]:
    for file in files:
        if source.entries[file].size > _LARGEST_CONFIG:
            raise StudyError(
                f"{source.name}: {file} has {source.entries[file].size:,} bytes, too many for a config or tokenizer; "
                "give another repository"
            )
    return files


def _check_path(source: Source, path: str) -> None:
    if not path.isprintable() or "\\" in path or ":" in path or {"", ".", ".."} & set(path.split("/")):
        raise StudyError(f"{source.name}: a path that leaves its folder: {path!r}; give another repository")


def _without_safetensors(source: Source, lora: bool, wanted: str) -> str:
    if not lora and ADAPTER_WEIGHTS in source.entries:
        return f"{source.name}: holds an adapter and no checkpoint; write kind: hub_adapter"
    if lora and {WEIGHTS, INDEX} & source.entries.keys():
        return f"{source.name}: holds a checkpoint and no adapter; write kind: hub"
    return (
        f"{source.name}: no safetensors (no {wanted}); other formats can run code when opened and are refused: "
        "give a repository or revision with safetensors"
    )


def _json(source: Source, folder: Path, file: str) -> Any:
    try:
        return json.loads((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{source.name}: no {file}; give another repository") from None
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{source.name}: {file} is not JSON ({error}); give another repository") from None
