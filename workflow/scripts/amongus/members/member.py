"""Members: one language model each, as the team sees it, and the fingerprints of their weights."""

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError, safe_open

from amongus.core.checksums import FINGERPRINT, hash_file
from amongus.core.damage import damaged, missing, unreadable
from amongus.core.errors import StudyError
from amongus.core.hashing import canonical, digest
from amongus.core.json_files import read_json, read_record, write_json

Message = Mapping[str, str]
"""A chat message: `role` (system, user or assistant) and `content`."""

# What of a checkpoint folder decides its outputs, besides its tensors.
_CONFIGS = (
    "config.json",
    "generation_config.json",
    "adapter_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
)
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_CHUNK = 1 << 24


@dataclass(frozen=True)
class Steering:
    """A vector added to the residual stream: file of per-layer vectors, layer (1-based), coefficient."""

    path: str
    layer: int
    coefficient: float


@dataclass(frozen=True)
class Member:
    """One language model of a team: a checkpoint, perhaps an adapter, a system prompt, a steering vector.

    `fingerprint` is the sha256 of everything that decides its outputs; equal fingerprints, equal answers.
    """

    name: str
    base: str
    adapter: str | None = None
    system: str | None = None
    steering: Steering | None = None
    fingerprint: str = ""
    description: str = ""


def save_member(path: str | Path, member: Member) -> None:
    """Write `member` as JSON."""
    write_json(path, asdict(member))


def load_member(path: str | Path) -> Member:
    """Read a member written by `save_member`.

    Raises:
        StudyError: the file is missing, not JSON, or not a member.
    """
    fields = read_json(path)
    try:
        steering = fields.pop("steering")
        return Member(**fields, steering=Steering(**steering) if steering else None)
    except (AttributeError, KeyError, TypeError):
        raise StudyError(f"{path}: not a member's description; delete it and run again") from None


def member_fingerprint(member: Member, parts: Mapping[str, str]) -> str:
    """The fingerprint of `member` whose weights have the fingerprints `parts` (base, adapter, vector)."""
    steering = member.steering
    return digest("member", dict(parts), member.system, [steering.layer, steering.coefficient] if steering else None)


def check_safetensors(directory: str | Path) -> list[Path]:
    """The safetensors files of a checkpoint folder that `transformers` or peft reads, sorted, after a check of each.

    Others beside them, left by an earlier download or of another layout, do not count. A truncated one is found, flipped
    bytes are not; of the other files every byte is checked (`check_files`).

    Raises:
        StudyError: the folder holds none, or something damaged; a folder made here is then moved aside.
    """
    if not Path(directory).exists():
        raise missing(Path(directory))
    check_files(directory)
    files = _weight_files(Path(directory))
    if not files:
        raise StudyError(
            f"{directory}: no safetensors here; other formats can run code when opened and are refused: "
            "convert the checkpoint to safetensors"
        )
    for path in files:
        try:
            with safe_open(path, "numpy"):
                pass
        except SafetensorError as error:
            if (path.parent / FINGERPRINT).exists():
                raise damaged(path, f"safetensors, {error}", path.parent) from None
            # A folder of the user's own is never moved.
            raise StudyError(f"{path}: damaged safetensors ({error}); get or make its folder again") from None
    return files


def _weight_files(folder: Path) -> list[Path]:
    """The file of a checkpoint, or those that its index names, or that of an adapter; else whatever there is."""
    index = folder / INDEX
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if index.exists():
        try:
            named = sorted({folder / name for name in read_json(index, ours=False)["weight_map"].values()})
        except (AttributeError, KeyError, TypeError):
            raise StudyError(f"{index}: no index of weights; get or make its folder again") from None
        if absent := [path for path in named if not path.is_file()]:
            raise StudyError(f"{absent[0]}: no such file, but {INDEX} names it; get or make its folder again")
        return named
    return [folder / ADAPTER_WEIGHTS] if (folder / ADAPTER_WEIGHTS).exists() else sorted(folder.glob("*.safetensors"))


def check_files(directory: str | Path, weights: bool = False) -> None:
    """Compare a folder that was made here with the list in its `fingerprint.json`; one without a list passes.

    With `weights` its tensors are hashed as well, which may take a minute.

    Raises:
        StudyError: a file is missing or differs, and the folder is now moved aside; or one cannot be read.
    """
    folder = Path(directory)
    if not (folder / FINGERPRINT).exists():
        return
    for name, known in read_record(folder, FINGERPRINT).get("files", {}).items():
        if name.endswith(".safetensors") and not weights:
            continue
        path = folder / name
        try:
            found = hash_file(path)
        except FileNotFoundError:
            raise damaged(path, "missing", folder) from None
        except OSError as error:
            raise unreadable(path, error) from None
        if found != known:
            raise damaged(path, "checksum differs", folder)


def write_fingerprint(directory: str | Path, weights: bool = True) -> None:
    """Write `fingerprint.json` into a finished folder: what decides its outputs, and the sha256 of every file.

    Without `weights` it is neither a checkpoint nor an adapter: the files alone are recorded.
    """
    directory = Path(directory)
    files = (path for path in sorted(directory.rglob("*")) if path.is_file() and path.name != FINGERPRINT)
    record: dict[str, Any] = {p.relative_to(directory).as_posix(): hash_file(p) for p in files}
    known = {"fingerprint": fingerprint_directory(directory)} if weights else {}
    write_json(directory / FINGERPRINT, {**known, "files": record})


def known_fingerprint(directory: str | Path) -> str:
    """The fingerprint that was written beside a checkpoint when it was made; else it is computed."""
    known = (Path(directory) / FINGERPRINT).exists()
    return read_record(directory, FINGERPRINT)["fingerprint"] if known else fingerprint_directory(directory)


def fingerprint_directory(directory: str | Path) -> str:
    """The sha256 (hex) over a checkpoint's tensors (name, dtype, shape, bytes; sorted) and its configs.

    The split into files does not matter, nor does the layout of the JSON.
    """
    whole = hashlib.sha256()
    tensors = sorted(_tensors(check_safetensors(directory)), key=lambda tensor: tensor[0])
    for name, kind, shape, data in tensors:
        whole.update(canonical([name, kind, shape, data]))
    for name in _CONFIGS:
        path = Path(directory) / name
        if path.exists():
            content = path.read_bytes()
            whole.update(canonical(name))
            whole.update(canonical(json.loads(content)) if path.suffix == ".json" else content)
    return whole.hexdigest()


def _tensors(files: list[Path]) -> Iterator[tuple[str, str, list[int], str]]:
    """Name, dtype, shape and sha256 of each tensor, read without loading a file whole."""
    for path in files:
        with path.open("rb") as handle:
            (size,) = struct.unpack("<Q", handle.read(8))
            header = json.loads(handle.read(size))
            header.pop("__metadata__", None)
            for name, entry in header.items():
                begin, end = entry["data_offsets"]
                handle.seek(8 + size + begin)
                yield name, entry["dtype"], entry["shape"], _hash_bytes(handle, end - begin)


def _hash_bytes(handle: BinaryIO, size: int) -> str:
    """The sha256 (hex) of the next `size` bytes of a file."""
    whole = hashlib.sha256()
    while chunk := handle.read(min(size, _CHUNK)):
        whole.update(chunk)
        size -= len(chunk)
    return whole.hexdigest()
