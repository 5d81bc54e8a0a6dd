"""Checkpoints in memory: one model per base folder, its LoRA adapters attached, steering as a hook.

Weights come from safetensors only, adapter configs are read by an allow-list, no code of a checkpoint runs.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging as transformers_logging

from amongus.core.damage import damaged, read_bytes
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.members import chat_template
from amongus.members.lora_config import adapter_settings, factor_keys
from amongus.members.member import Member, Steering, check_safetensors

_PEFT_PREFIX = "base_model.model."


@dataclass(frozen=True)
class Weights:
    """A member in memory: a model, which others share, and perhaps one of its adapters and a vector."""

    base: "Base"
    adapter: str | None = None
    steering: Steering | None = None


class Base:
    """A causal language model from a checkpoint folder and the adapters attached to it.

    Rows of one forward pass may belong to members with different adapters and vectors: peft stores the
    adapters, and hooks add each one to its member's rows.
    """

    def __init__(self, directory: str, tokenizer: Any, device: str, dtype: str) -> None:
        self.directory = directory
        self.tokenizer = tokenizer
        self.model = load_model(AutoModelForCausalLM, directory, device, dtype)
        self.device = next(self.model.parameters()).device
        self.vocabulary = chat_template.check_vocabulary(directory, self.tokenizer, self.model)
        self.window = context_window(self.model.config)
        listed = self.model.generation_config.eos_token_id
        stops = {*chat_template.turn_ends(tokenizer), *(listed if isinstance(listed, list) else [listed])}
        self.stops = sorted(stop for stop in stops if stop is not None and 0 <= stop < self.vocabulary)
        self._adapters: dict[str, str] = {}
        self._vectors: dict[Steering, tuple[torch.nn.Module, torch.Tensor]] = {}
        self._hooked: set[torch.nn.Module] = set()
        self._rows: list[tuple[slice, str]] = []
        self._batch = 0

    def attach(self, directory: str) -> str:
        """Attach the LoRA adapter of a folder and return its name here; attached once."""
        if directory not in self._adapters:
            from peft.tuners.tuners_utils import BaseTunerLayer

            name = f"adapter{len(self._adapters)}"
            _attach(self.model, name, directory, self.directory)
            self._adapters[directory] = name
            for layer in self.model.modules():
                if isinstance(layer, BaseTunerLayer):
                    layer.enable_adapters(False)
                    if layer not in self._hooked:
                        layer.register_forward_hook(self._add_adapters)
                        self._hooked.add(layer)
            self.model.eval().requires_grad_(False)
        return self._adapters[directory]

    def _add_adapters(self, layer: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        """Add each member's adapter to its rows of a layer's output (Hu et al. 2021, section 4.1)."""
        for rows, name in self._rows:
            if name in layer.lora_A:
                # Some architectures give a layer all rows' positions in one dimension.
                states, out = (one.view(self._batch, -1, one.shape[-1]) for one in (inputs[0].contiguous(), output))
                part = layer.lora_B[name](layer.lora_A[name](states[rows]))
                out[rows].add_(part, alpha=layer.scaling[name])

    @contextmanager
    def active(self, parts: Sequence["Weights"], rows: int, start: int) -> Iterator[PreTrainedModel]:
        """The model for a batch of `rows` rows for each of `parts`, in this order.

        Steering acts from position `start` of the forward pass on.
        """
        blocks = [(part, slice(place * rows, (place + 1) * rows)) for place, part in enumerate(parts)]
        self._rows = [(block, part.adapter) for part, block in blocks if part.adapter]
        self._batch = len(parts) * rows
        handles = []
        for part, block in blocks:
            if part.steering is not None:
                layer, vector = self.vector(part.steering)
                handles.append(layer.register_forward_hook(partial(_steer, block, start, vector)))
        try:
            yield self.model
        finally:
            self._rows = []
            for handle in handles:
                handle.remove()

    def vector(self, steering: Steering) -> tuple[torch.nn.Module, torch.Tensor]:
        """The layer a steering vector acts on, and the vector times its coefficient, [hidden]."""
        if steering not in self._vectors:
            layers = decoder_layers(self.model)
            width = self.model.get_input_embeddings().weight.shape[1]
            vector = read_vector(steering, len(layers), width)
            self._vectors[steering] = (
                layers[steering.layer - 1],
                (vector * steering.coefficient).to(self.device, self.model.dtype),
            )
        return self._vectors[steering]


def _steer(rows: slice, start: int, vector: torch.Tensor, layer: Any, inputs: Any, output: Any) -> None:
    """As a hook: add `vector` to some rows of a layer's output, from position `start` on."""
    hidden = output[0] if isinstance(output, tuple) else output
    hidden[rows, start:] += vector


class Models:
    """The checkpoints that an engine has used so far, each loaded once."""

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        self.device, self.dtype = device, dtype
        self.loads = 0
        self._bases: dict[str, Base] = {}

    def weights(self, member: Member, tokenizer: Any) -> Weights:
        """The weights of `member`, loaded on first use; `tokenizer` is that of its base."""
        directory = str(Path(member.base).resolve())
        if directory not in self._bases:
            self._bases[directory] = Base(directory, tokenizer, self.device, self.dtype)
            self.loads += 1
        base = self._bases[directory]
        adapter = base.attach(str(Path(member.adapter).resolve())) if member.adapter else None
        if member.steering is not None:
            base.vector(member.steering)
        return Weights(base, adapter, member.steering)


def check_device(device: str) -> None:
    """Raise a `StudyError` if `device` is a GPU and none is visible."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise StudyError(f"engine.device is '{device}' but no GPU is visible; set it to cpu, or request a GPU")


def load_model(kind: Any, directory: str, device: str, dtype: str, **options: Any) -> PreTrainedModel:
    """Load a checkpoint folder with the auto class `kind`, ready for inference.

    Raises:
        StudyError: no safetensors, an unknown architecture, or weights that do not fit it.
    """
    model, _ = _loaded(kind, directory, dtype, **options)
    return model.to(device).eval().requires_grad_(False)


class Layout(NamedTuple):
    """How `transformers` reads a checkpoint's tensors.

    Attributes:
        names: of the model's own.
        prefix: of most of them, which some files leave out.
        tied: names of weights that may be missing, and those that they are equal to.
        ignored: names of tensors that it does not read, as patterns.
        transposed: weights that are stored [inputs, outputs].
    """

    names: frozenset[str]
    prefix: str
    tied: Mapping[str, str]
    ignored: Sequence[re.Pattern[str]]
    transposed: frozenset[str]


def layout(directory: str) -> Layout:
    """The layout of a checkpoint folder of a causal language model, whose tensors are not read.

    Raises:
        StudyError: as `load_model`.
    """
    # What a file has too much is no news here.
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        model, info = _loaded(AutoModelForCausalLM, directory, "float32", device_map="meta")
    finally:
        transformers_logging.set_verbosity(level)
    ignored = [*(model._keys_to_ignore_on_load_unexpected or ()), r"rotary_emb\.inv_freq$"]
    return Layout(
        frozenset(model.state_dict()),
        f"{model.base_model_prefix}.",
        dict(model.all_tied_weights_keys),
        [*map(re.compile, ignored), *(re.compile(f"{re.escape(name)}$") for name in info["unexpected_keys"])],
        frozenset(f"{name}.weight" for name, module in model.named_modules() if isinstance(module, Conv1D)),
    )


def _loaded(kind: Any, directory: str, dtype: str, **options: Any) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model of a folder and what the library says of its tensors."""
    transformers_logging.disable_progress_bar()
    check_safetensors(directory)
    try:
        model, info = kind.from_pretrained(
            directory,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise StudyError(
            f"{directory}: cannot be loaded as a checkpoint ({error}); make or download it again"
        ) from None
    wrong = sorted(str(name) for part in ("missing_keys", "mismatched_keys") for name in info.get(part, ()))
    if wrong:
        raise StudyError(f"{directory}: weights do not fit the architecture (first: {wrong[0]}); make it again")
    return model, info


def decoder_layers(model: Any) -> torch.nn.ModuleList:
    """The layers of a causal language model, whatever its architecture calls them."""
    count = model.config.get_text_config().num_hidden_layers
    lists = [one for one in model.modules() if isinstance(one, torch.nn.ModuleList) and len(one) == count]
    if not lists:
        raise StudyError(f"{model.name_or_path}: no list of {count} layers; steering does not know this architecture")
    return lists[0]


def context_window(config: Any) -> int | None:
    """How many positions a model is made for, of a `transformers` config; None where it says nothing."""
    text = config.get_text_config()
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    return next((value for name in names if (value := getattr(text, name, None) or 0) > 0), None)


def check_window(model: Any, length: int, what: str) -> None:
    """A `StudyError` if `what`, of `length` tokens, does not fit into the model's context window."""
    window = context_window(model.config)
    if window is not None and length > window:
        raise StudyError(
            f"{model.name_or_path}: {what} has {length} tokens, the model's window is {window}; give shorter texts, lower "
            "max_new_tokens, or take another model"
        )


def read_vector(steering: Steering, layers: int, width: int) -> torch.Tensor:
    """The vector for `steering.layer` out of a safetensors file of one tensor.

    The tensor is [layers, hidden] (outputs of layers 1, 2, …) or [layers + 1, hidden] (embeddings first).

    Raises:
        StudyError: the file is missing, damaged, or does not fit the model.
    """
    fix = "extract the vector from this member again"
    try:
        tensors = load(read_bytes(steering.path))
    except SafetensorError as error:
        raise damaged(steering.path, error) from None
    if len(tensors) != 1:
        raise StudyError(f"{steering.path}: {len(tensors)} tensors, expected one; {fix}")
    vectors = next(iter(tensors.values()))
    if vectors.ndim != 2 or vectors.shape[0] not in (layers, layers + 1) or vectors.shape[1] != width:
        raise StudyError(f"{steering.path}: {list(vectors.shape)} does not fit {layers} layers of width {width}; {fix}")
    if not 1 <= steering.layer <= layers:
        raise StudyError(
            f"{steering.path}: layer {steering.layer} of a model with layers 1 to {layers}; fix it in the config"
        )
    return vectors[steering.layer - 1 + vectors.shape[0] - layers].float()


def _attach(model: PreTrainedModel, name: str, directory: str, base: str) -> None:
    """Inject a LoRA adapter in place and fill it from the folder's safetensors; only plain LoRA that fits the base."""
    from peft import LoraConfig, inject_adapter_in_model

    check_safetensors(directory)
    path = Path(directory) / "adapter_config.json"
    settings = adapter_settings(read_json(path, ours=False), path)
    try:
        with warnings.catch_warnings():
            # peft warns about a second adapter on one model, which is intended here.
            warnings.simplefilter("ignore", UserWarning)
            inject_adapter_in_model(LoraConfig(**settings, lora_dropout=0.0), model, adapter_name=name)
    except (ValueError, TypeError) as error:
        raise StudyError(f"{directory}: this adapter does not fit {base} ({error}); train it on that base") from None
    try:
        tensors = load_file(str(Path(directory) / "adapter_model.safetensors"))
    except (OSError, SafetensorError) as error:
        raise StudyError(f"{directory}: adapter_model.safetensors cannot be read ({error}); make it again") from None
    factors, whole = factor_keys(tensors, directory), model.state_dict()
    for key in sorted(set(tensors) - set(factors)):
        own = whole.get(key.removeprefix(_PEFT_PREFIX))
        if (
            own is None
            or own.shape != tensors[key].shape
            or not torch.equal(own, tensors[key].to(own.device, own.dtype))
        ):
            raise StudyError(
                f"{directory}: {key} is not {base}'s; the adapter changes the base itself: train it on that base"
            )
    state = {}
    for key in factors:
        # `….lora_A.weight` in the file is `….lora_A.<name>.weight` here.
        stem, _, last = key.removeprefix(_PEFT_PREFIX).rpartition(".")
        state[f"{stem}.{name}.{last}"] = tensors[key]
    wanted = {key: value.shape for key, value in whole.items() if f".{name}." in key}
    wrong = sorted(set(wanted) ^ set(state)) or [key for key in wanted if wanted[key] != state[key].shape]
    if wrong:
        raise StudyError(f"{directory}: its tensors do not fit {base} (first: {wrong[0]}); train it on that base")
    model.load_state_dict(state, strict=False)
    parameter = next(model.parameters())
    model.to(parameter.device, parameter.dtype)
