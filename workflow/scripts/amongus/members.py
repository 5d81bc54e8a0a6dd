"""Members: one language model each, as the team sees it, and the fingerprints of their weights."""

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amongus.errors import StudyError
from amongus.files import read_json, write_json
from amongus.seeds import canonical, digest

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
    return digest(
        "member",
        dict(parts),
        member.system,
        [steering.layer, steering.coefficient] if steering else None,
    )


def check_safetensors(directory: str | Path) -> list[Path]:
    """The safetensors files of a checkpoint folder, sorted.

    Raises:
        StudyError: the folder holds none.
    """
    files = sorted(Path(directory).glob("*.safetensors"))
    if not files:
        raise StudyError(
            f"{directory}: no safetensors here; other formats can run code when opened and are refused: "
            "convert the checkpoint to safetensors"
        )
    return files


def known_fingerprint(directory: str | Path) -> str:
    """The fingerprint that was written beside a checkpoint when it was made; else it is computed."""
    known = Path(directory) / "fingerprint.json"
    return read_json(known)["fingerprint"] if known.exists() else fingerprint_directory(directory)


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
            whole.update(_canonical_config(content) if path.suffix == ".json" else content)
    return whole.hexdigest()


def _canonical_config(content: bytes) -> bytes:
    return canonical(json.loads(content))


def _tensors(files: list[Path]) -> Iterator[tuple[str, str, list[int], str]]:
    """Name, dtype, shape and sha256 of each tensor, read without loading a file whole."""
    for path in files:
        with path.open("rb") as handle:
            header, start = _header(path, handle.read(8), handle)
            for name, entry in header.items():
                if name == "__metadata__":
                    continue
                begin, end = entry["data_offsets"]
                handle.seek(start + begin)
                yield name, entry["dtype"], entry["shape"], _hash_bytes(handle, end - begin, path)


def _header(path: Path, length: bytes, handle: Any) -> tuple[dict[str, Any], int]:
    try:
        (size,) = struct.unpack("<Q", length)
        if size > path.stat().st_size:
            raise ValueError("header longer than the file")
        return json.loads(handle.read(size)), 8 + size
    except (struct.error, ValueError) as error:
        raise StudyError(f"{path}: damaged safetensors ({error}); delete its folder and run again") from None


def _hash_bytes(handle: Any, size: int, path: Path) -> str:
    whole = hashlib.sha256()
    while size:
        chunk = handle.read(min(size, _CHUNK))
        if not chunk:
            raise StudyError(f"{path}: truncated safetensors; delete its folder and run again")
        whole.update(chunk)
        size -= len(chunk)
    return whole.hexdigest()
