"""Merging checkpoints tensor by tensor: full updates of adapters and full checkpoints alike.

Averaging the two factors of LoRA adapters separately is not the average of their updates (A and B are mixed), so
every member's full weight is formed first. Members are read one after the other, as often as a merge needs them: at
most about three float32 tensors of one name and one shard of the result are in memory, for any number of members.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from peft.utils.other import get_pattern_key
from safetensors import safe_open
from safetensors.torch import save_file

from amongus.core.checksums import FINGERPRINT
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.inference.loading import Layout, layout
from amongus.members.lora_config import COPIED, adapter_settings, factor_keys
from amongus.members.member import INDEX, Member, check_safetensors

Read = Callable[[], torch.Tensor]
"""Reads one member's full weight in float32; each call makes a tensor of its own, which may be changed."""

_PREFIX = "base_model.model."
_SHARD_BYTES = 4 << 30
_DRAW = 1 << 20


class _Entry(NamedTuple):
    """A tensor's file, its name there, and a tensor of its shape and dtype without data."""

    file: Path
    name: str
    meta: torch.Tensor

    def read(self) -> torch.Tensor:
        """A new float32 tensor. The file is opened each time, because mapped pages count as memory in use."""
        with safe_open(self.file, framework="pt") as handle:
            return handle.get_tensor(self.name).to(torch.float32, copy=True)


class FullWeights:
    """One member's full weights, read on demand: the base's tensors as the model reads them, plus its adapter's updates."""

    def __init__(self, member: Member) -> None:
        self._layout = layout(member.base)
        self.tensors = _as_read(_entries(Path(member.base)), self._layout)
        self._adapter: dict[str, _Entry] = {}
        self._settings: Mapping[str, Any] = {}
        if member.adapter:
            path = Path(member.adapter) / "adapter_config.json"
            self._settings = adapter_settings(read_json(path, ours=False), path)
            self._adapter = _entries(Path(member.adapter))
            self._check(member)

    def untie(self, name: str) -> None:
        """Read a weight that is tied to another, and not in the files, from that one."""
        if name not in self.tensors and (source := self._layout.tied.get(name)) in self.tensors:
            self.tensors[name] = self.tensors[source]

    def tensor(self, name: str) -> torch.Tensor:
        """The full weight `name`, a new tensor in float32."""
        weight = self.tensors[name].read()
        down, up = _factors(name)
        if down in self._adapter:
            lower, upper = self._adapter[down].read(), self._adapter[up].read()
            updated = weight.T if name in self._layout.transposed else weight
            updated.addmm_(upper, lower, alpha=_scale(self._settings, name, len(lower)))
        return weight

    def _check(self, member: Member) -> None:
        """Every tensor of the adapter must be a factor of a weight of the base, have its other half, and fit."""
        factors = set(factor_keys(self._adapter, str(member.adapter)))
        for name in self._layout.tied:
            if factors & set(_factors(name)):
                self.untie(name)
        owners = {key: name for name in self.tensors for key in _factors(name)}
        for key in sorted(self._adapter):
            name = owners.get(key) or f"{key.removeprefix(_PREFIX).removesuffix(COPIED)}.weight"
            if key not in factors:
                entry, own = self._adapter[key], self.tensors.get(name)
                if own and own.meta.shape == entry.meta.shape and torch.equal(own.read(), entry.read()):
                    continue
                fault = f"differs from {member.base}'s own"
            elif key not in owners or not all(half in factors for half in _factors(name)):
                fault = f"belongs to no weight of {member.base}"
            else:
                down, up = (self._adapter[half].meta.shape for half in _factors(name))
                shape = self.tensors[name].meta.shape
                wanted = shape[::-1] if name in self._layout.transposed else shape
                if (*up[:1], *down[1:]) == tuple(wanted) and up[1:] == down[:1]:
                    continue
                fault = f"does not fit the shape of {name} in {member.base}"
            raise StudyError(f"{member.adapter}: tensor {key} {fault}; only LoRA adapters of this base can be merged")


def merge(members: Sequence[Member], out: Path, combine: Callable[[str, Sequence[Read]], torch.Tensor]) -> None:
    """Write the checkpoint whose every tensor is `combine(name, [one reader per member])` into `out`.

    Tensors are those that the model reads: one that is tied to another is written only where a member has it apart.
    Config and tokenizer are the first member's base's, as are the tensors' dtypes. The result loads with
    `AutoModelForCausalLM.from_pretrained`; shards are of at most about 4 GiB.

    Raises:
        StudyError: the members' tensors differ in names or shapes, or an adapter is not plain LoRA of its base.
    """
    weights = [FullWeights(member) for member in members]
    every = {name for one in weights for name in one.tensors}
    for one, name in product(weights, sorted(every)):
        one.untie(name)
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
        write_json(out / INDEX, {"metadata": shards.metadata, "weight_map": shards.tensor_to_filename})
    for path in sorted(Path(members[0].base).iterdir()):
        if path.is_file() and path.suffix != ".safetensors" and path.name not in (INDEX, FINGERPRINT):
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


def consensus(
    base: Read, reads: Sequence[Read], density: float, seeds: Sequence[int], scale: float = 1.0
) -> torch.Tensor:
    """The base plus `scale` / N times the sum of those sparse updates that agree in sign.

    Of each update (member minus base), every parameter is dropped with probability 1 - density and the rest
    divided by density (DARE, Yu et al. 2024). The elected sign of a parameter is that of the updates' sum, + if
    they cancel; updates of the other sign are left out (TIES, Yadav et al. 2023). Every update weighs the same,
    however many agree. Three tensors are in memory at a time: the updates are read once for the signs and once for the sum.

    `density` is in (0, 1]; at 1 no random number is drawn. What is dropped depends on the member's seed alone.
    """
    origin = base()
    total = torch.zeros_like(origin)

    def updates() -> Iterator[torch.Tensor]:
        for read, seed in zip(reads, seeds, strict=True):
            yield drop(read().sub_(origin), density, seed).mul_(scale / len(reads))

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
                entries[name] = _Entry(path, name, torch.empty(shape, dtype=dtype, device="meta"))
    return entries


def _as_read(entries: Mapping[str, _Entry], model: Layout) -> dict[str, _Entry]:
    """The tensors that the model reads, by its own names; of tied ones that are equal the one that the others follow."""
    found = {}
    for name, entry in entries.items():
        if name not in model.names:
            if any(pattern.search(name) for pattern in model.ignored):
                continue
            others = (f"{model.prefix}{name}", name.removeprefix(model.prefix))
            name = next((other for other in others if other in model.names), name)
        found[name] = entry
    for name, source in model.tied.items():
        if name in found and source not in found:
            found[source] = found.pop(name)
        elif name in found and torch.equal(found[name].read(), found[source].read()):
            del found[name]
    return found


def _factors(name: str) -> tuple[str, str]:
    """The names of the two LoRA factors of the weight `name`: down [rank, inputs], up [outputs, rank]."""
    module = name.removesuffix(".weight")
    return f"{_PREFIX}{module}.lora_A.weight", f"{_PREFIX}{module}.lora_B.weight"


def _scale(settings: Mapping[str, Any], name: str, rank: int) -> float:
    """What the product of the factors of a weight is multiplied by (peft's `LoraLayer`)."""
    module = name.removesuffix(".weight")
    own = settings.get("alpha_pattern") or {}
    alpha = own.get(get_pattern_key(own, module), settings["lora_alpha"])
    return alpha / (rank**0.5 if settings.get("use_rslora") else rank)
