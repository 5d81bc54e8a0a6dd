"""Merging checkpoints tensor by tensor: full updates of adapters and full checkpoints alike.

Averaging the two factors of LoRA adapters separately is not the average of their updates (A and B are mixed), so
every member's full weight is formed first. Members are read one after the other, as often as a merge needs them: at
most about three float32 tensors of one name and one shard of the result are in memory, for any number of members.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors import safe_open
from safetensors.torch import save_file

from amongus.core.checksums import FINGERPRINT
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.members.member import Member, check_safetensors

Read = Callable[[], torch.Tensor]
"""Reads one member's full weight in float32; each call makes a tensor of its own, which may be changed."""

_PREFIX = "base_model.model."
_SHARD_BYTES = 4 << 30
_DRAW = 1 << 20
_INDEX = "model.safetensors.index.json"
_NOT_MERGED = ("rank_pattern", "alpha_pattern", "use_dora", "modules_to_save", "fan_in_fan_out")


class _Entry(NamedTuple):
    """A tensor's file, and a tensor of its shape and dtype without data."""

    file: Path
    meta: torch.Tensor


class FullWeights:
    """One member's full weights, read on demand: the base's tensors plus its adapter's updates."""

    def __init__(self, member: Member) -> None:
        self.tensors = _entries(Path(member.base))
        self._adapter = _entries(Path(member.adapter)) if member.adapter else {}
        self._scale = _scale(Path(member.adapter)) if member.adapter else 0.0
        self._check(member)

    def tensor(self, name: str) -> torch.Tensor:
        """The full weight `name`, a new tensor in float32."""
        weight = _tensor(self.tensors[name], name)
        down, up = _factors(name)
        if down in self._adapter:
            lower, upper = (_tensor(self._adapter[key], key) for key in (down, up))
            weight.addmm_(upper, lower, alpha=self._scale)
        return weight

    def _check(self, member: Member) -> None:
        """Every tensor of the adapter must be a factor of a weight of the base, have its other half, and fit."""
        owners = {key: name for name in self.tensors for key in _factors(name)}
        for key in self._adapter:
            name = owners.get(key)
            if name is None or not all(half in self._adapter for half in _factors(name)):
                fault = f"belongs to no weight of {member.base}"
            else:
                down, up = (self._adapter[half].meta.shape for half in _factors(name))
                if (*up[:1], *down[1:]) == self.tensors[name].meta.shape and up[1:] == down[:1]:
                    continue
                fault = f"does not fit the shape of {name} in {member.base}"
            raise StudyError(f"{member.adapter}: tensor {key} {fault}; only LoRA adapters of this base can be merged")


def merge(members: Sequence[Member], out: Path, combine: Callable[[str, Sequence[Read]], torch.Tensor]) -> None:
    """Write the checkpoint whose every tensor is `combine(name, [one reader per member])` into `out`.

    Config and tokenizer are the first member's base's, as are the tensors' dtypes. The result loads with
    `AutoModelForCausalLM.from_pretrained`; shards are of at most about 4 GiB.

    Raises:
        StudyError: the members' tensors differ in names or shapes, or an adapter is not plain LoRA of its base.
    """
    weights = [FullWeights(member) for member in members]
    first = {name: entry.meta for name, entry in sorted(weights[0].tensors.items())}
    for member, other in zip(members, weights, strict=True):
        shapes = {name: entry.meta.shape for name, entry in other.tensors.items()}
        for name in sorted({*first, *shapes}):
            if name not in first or first[name].shape != shapes.get(name):
                where = f"those of {members[0].base} ({name})"
                raise StudyError(f"{member.base}: its tensors differ from {where}; cannot merge")

    def merged(name: str) -> torch.Tensor:
        return combine(name, [partial(one.tensor, name) for one in weights]).to(first[name].dtype).contiguous()

    shards = split_torch_state_dict_into_shards(first, max_shard_size=_SHARD_BYTES)
    for file, names in shards.filename_to_tensors.items():
        save_file({name: merged(name) for name in names}, out / file, metadata={"format": "pt"})
    if shards.is_sharded:
        write_json(out / _INDEX, {"metadata": shards.metadata, "weight_map": shards.tensor_to_filename})
    for path in sorted(Path(members[0].base).iterdir()):
        if path.is_file() and path.suffix != ".safetensors" and path.name not in (_INDEX, FINGERPRINT):
            shutil.copyfile(path, out / path.name)


def average(members: Sequence[Member], out: Path) -> None:
    """Write the uniform average of the members' full weights into the folder `out`."""
    merge(members, out, lambda _, reads: mean(reads))


def mean(reads: Sequence[Read]) -> torch.Tensor:
    """The mean of the tensors that `reads` give, all of one shape; two of them are in memory at a time."""
    total = reads[0]()
    for read in reads[1:]:
        total += read()
    return total.div_(len(reads))


def consensus(base: Read, reads: Sequence[Read], density: float, seeds: Sequence[int]) -> torch.Tensor:
    """The base plus 1/N of the sum of those sparse updates that agree in sign.

    Of each update (member minus base), every parameter is dropped with probability 1 - density and the rest
    divided by density (DARE, Yu et al. 2024). The elected sign of a parameter is that of the updates' sum, + if
    they cancel; updates of the other sign are left out (TIES, Yadav et al. 2023). Every update weighs 1/N, however
    many agree. Three tensors are in memory at a time: the updates are read once for the signs and once for the sum.

    `density` is in (0, 1]; at 1 no random number is drawn. What is dropped depends on the member's seed alone.
    """
    origin = base()
    total = torch.zeros_like(origin)

    def updates() -> Iterator[torch.Tensor]:
        for read, seed in zip(reads, seeds, strict=True):
            yield drop(read().sub_(origin), density, seed).mul_(1 / len(reads))

    for update in updates():
        total += update
        del update  # Before the next one is read.
    positive = total >= 0
    total.zero_()
    for update in updates():
        total += update.mul_((update >= 0) == positive)
        del update
    return total.add_(origin)


def drop(update: torch.Tensor, density: float, seed: int) -> torch.Tensor:
    """DARE: drop each parameter of `update` with probability 1 - density, divide the rest by it; in place."""
    if density < 1:
        generator = torch.Generator().manual_seed(seed)
        # In parts: the random numbers for a whole tensor would take as much memory again.
        for part in update.view(-1).split(_DRAW):
            part.mul_(torch.rand(part.shape, generator=generator) < density).div_(density)
    return update


def _entries(directory: Path) -> dict[str, _Entry]:
    """The tensors of a checkpoint or adapter, without reading them."""
    entries = {}
    for path in check_safetensors(directory):
        with safe_open(path, framework="pt") as handle:
            for name in handle.keys():  # noqa: SIM118 - no mapping
                part = handle.get_slice(name)
                shape = part.get_shape()
                dtype = (part[:0] if shape else handle.get_tensor(name)).dtype
                entries[name] = _Entry(path, torch.empty(shape, dtype=dtype, device="meta"))
    return entries


def _tensor(entry: _Entry, name: str) -> torch.Tensor:
    """A new float32 tensor. The file is opened each time, because mapped pages count as memory in use."""
    with safe_open(entry.file, framework="pt") as handle:
        return handle.get_tensor(name).to(torch.float32, copy=True)


def _factors(name: str) -> tuple[str, str]:
    """The names of the two LoRA factors of the weight `name`: down [rank, inputs], up [outputs, rank]."""
    module = name.removesuffix(".weight")
    return f"{_PREFIX}{module}.lora_A.weight", f"{_PREFIX}{module}.lora_B.weight"


def _scale(adapter: Path) -> float:
    config = read_json(adapter / "adapter_config.json", ours=False)
    for key in _NOT_MERGED:
        if config.get(key):
            raise StudyError(f"{adapter}: adapters with {key} cannot be merged; train it without")
    rank = config["r"] ** 0.5 if config.get("use_rslora") else config["r"]
    return config["lora_alpha"] / rank
