"""Merging checkpoints tensor by tensor: full updates of adapters and full checkpoints alike.

Averaging the two factors of LoRA adapters separately is not the average of their updates (A and B are mixed), so
every member's full weight is formed first. Only one tensor per member is in memory at a time.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from amongus.errors import StudyError
from amongus.members import Member, check_safetensors

_PREFIX = "base_model.model."
_SHARD_BYTES = 4 << 30
_NOT_WEIGHTS = ("model.safetensors.index.json", "fingerprint.json")


class Weights:
    """One member's full weights, read lazily: the base's tensors plus its adapter's updates."""

    def __init__(self, member: Member, stack: ExitStack) -> None:
        self._tensors = _open(Path(member.base), stack)
        self._adapter = _open(Path(member.adapter), stack) if member.adapter else {}
        self._scale = _scale(Path(member.adapter)) if member.adapter else 0.0
        self._check(member)

    def names(self) -> list[str]:
        """The names of the base's tensors, sorted."""
        return sorted(self._tensors)

    def tensor(self, name: str) -> torch.Tensor:
        """The full weight `name`, in float32."""
        weight = self._tensors[name].get_tensor(name).to(torch.float32)
        module = name.removesuffix(".weight")
        down, up = (f"{_PREFIX}{module}.lora_{half}.weight" for half in "AB")
        if down not in self._adapter:
            return weight
        lower, upper = (self._adapter[key].get_tensor(key).to(torch.float32) for key in (down, up))
        return weight + self._scale * (upper @ lower)

    def _check(self, member: Member) -> None:
        """Every tensor of the adapter must be the factor of a weight of the base."""
        for key in self._adapter:
            module = key.removeprefix(_PREFIX).removesuffix(".lora_A.weight").removesuffix(".lora_B.weight")
            if f"{module}.weight" not in self._tensors:
                raise StudyError(
                    f"{member.adapter}: tensor {key} belongs to no weight of {member.base}; "
                    "only LoRA adapters of this base can be merged"
                )


def merge(
    members: Sequence[Member],
    out: Path,
    combine: Callable[[str, list[torch.Tensor]], torch.Tensor],
) -> None:
    """Write the checkpoint whose every tensor is `combine(name, [one tensor per member])` into `out`.

    Config and tokenizer are the first member's base's, as are the tensors' dtypes. The result loads with
    `AutoModelForCausalLM.from_pretrained`.

    Raises:
        StudyError: the members' tensors differ in names or shapes.
    """
    with ExitStack() as stack:
        weights = [Weights(member, stack) for member in members]
        names = weights[0].names()
        for member, other in zip(members, weights, strict=True):
            if other.names() != names:
                raise StudyError(
                    f"{member.base}: its tensors differ from those of {members[0].base}; cannot merge"
                )
        kinds = _kinds(Path(members[0].base))
        _save(((n, combine(n, [w.tensor(n) for w in weights]).to(kinds[n])) for n in names), out)
    for file in sorted(Path(members[0].base).iterdir()):
        if file.is_file() and file.suffix != ".safetensors" and file.name not in _NOT_WEIGHTS:
            shutil.copyfile(file, out / file.name)


def average(members: Sequence[Member], out: Path) -> None:
    """Write the uniform average of the members' full weights into the folder `out`."""
    merge(members, out, lambda _, tensors: torch.stack(tensors).mean(0))


def _open(directory: Path, stack: ExitStack) -> dict[str, safe_open]:
    tensors = {}
    for path in check_safetensors(directory):
        handle = stack.enter_context(safe_open(path, framework="pt"))
        tensors.update(dict.fromkeys(handle.keys(), handle))
    return tensors


def _kinds(directory: Path) -> Mapping[str, torch.dtype]:
    with ExitStack() as stack:
        return {
            name: handle.get_slice(name)[:0].dtype if handle.get_slice(name).get_shape() else torch.float32
            for name, handle in _open(directory, stack).items()
        }


def _scale(adapter: Path) -> float:
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    for key in ("rank_pattern", "alpha_pattern", "use_dora", "modules_to_save"):
        if config.get(key):
            raise StudyError(f"{adapter}: adapters with {key} cannot be merged; train it without")
    rank = config["r"] ** 0.5 if config.get("use_rslora") else config["r"]
    return config["lora_alpha"] / rank


def _save(tensors: Iterator[tuple[str, torch.Tensor]], out: Path) -> None:
    """Write tensors in shards of at most about 4 GiB, with the index transformers expects."""
    shards: list[dict[str, torch.Tensor]] = [{}]
    size, total, where = 0, 0, {}
    for name, tensor in tensors:
        length = tensor.numel() * tensor.element_size()
        if size and size + length > _SHARD_BYTES:
            _flush(shards, out)
            size = 0
        shards[-1][name] = tensor.contiguous()
        where[name] = len(shards)
        size, total = size + length, total + length
    _flush(shards, out)
    count = len(shards) - 1
    if count == 1:
        (out / "shard-1.safetensors").rename(out / "model.safetensors")
        return
    names = {number: f"model-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)}
    for number, file in names.items():
        (out / f"shard-{number}.safetensors").rename(out / file)
    index = {"metadata": {"total_size": total}, "weight_map": {n: names[s] for n, s in where.items()}}
    (out / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def _flush(shards: list[dict[str, torch.Tensor]], out: Path) -> None:
    save_file(shards[-1], out / f"shard-{len(shards)}.safetensors", metadata={"format": "pt"})
    shards[-1] = {}
    shards.append({})
