"""What trainings share: fixed randomness, conversations as token ids, and what is saved of a model."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from amongus.core.hashing import derive
from amongus.core.json_files import read_json, write_json
from amongus.inference.loading import load_model
from amongus.members import chat_template
from amongus.members.member import Message, check_safetensors
from amongus.training.job import TrainJob
from amongus.training.settings import Lora, OwnLora


class Tokens(NamedTuple):
    """A conversation as token ids; the loss is over its last turn, which begins at `start`."""

    ids: list[int]
    start: int

    def row(self) -> dict[str, list[int]]:
        """A row of trl's datasets."""
        return {"input_ids": self.ids, "labels": [-100] * self.start + self.ids[self.start :]}


def fix_randomness(*parts: object) -> int:
    """Seed torch from `parts`, use deterministic kernels, and return a 31-bit seed for libraries."""
    seed = derive(*parts) % (1 << 31)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling new memory guards against reading it before it is set; it took more than half of a training step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return seed


def encode(tokenizer: Any, messages: Sequence[Message]) -> Tokens:
    """A conversation that ends in the assistant's turn, and the token that closes it."""
    return Tokens(*chat_template.answered(tokenizer, messages))


def load_base(directory: Path, dtype: str = "float32", device: str = "cpu") -> tuple[Any, Any]:
    """The causal language model of a checkpoint folder, to be trained, and its tokenizer, whose `eos` ends turns.

    Raises:
        StudyError: they cannot be used, or do not fit.
    """
    tokenizer = chat_template.load_tokenizer(directory)
    model = load_model(AutoModelForCausalLM, str(directory), device, dtype).requires_grad_(True)
    chat_template.check_vocabulary(str(directory), tokenizer, model)
    # What trl takes for the end of an answer.
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(chat_template.turn_ends(tokenizer)[0])
    return model, tokenizer


def new_adapter(model: Any, size: Lora | OwnLora) -> PeftModel:
    """`model` with a fresh LoRA adapter."""
    config = LoraConfig(
        r=size.rank,
        lora_alpha=size.alpha,
        lora_dropout=size.dropout,
        target_modules=size.targets if isinstance(size.targets, str) else sorted(size.targets or ()),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def attackers_adapter(model: Any, job: TrainJob[Any]) -> PeftModel:
    """`model` with the adapter that is trained: the replaced member's, or a fresh one where that has none."""
    if "adapter" not in job.models:
        return new_adapter(model, job.spec)
    check_safetensors(job.models["adapter"])
    return PeftModel.from_pretrained(model, str(job.models["adapter"]), is_trainable=True)


def merged_model(job: TrainJob[Any], dtype: str, device: str = "cpu") -> tuple[Any, Any]:
    """The replaced member as one model, its adapter merged into the base's weights, and its tokenizer."""
    model, tokenizer = load_base(job.models["base"], dtype, device)
    if "adapter" in job.models:
        model = attackers_adapter(model, job).merge_and_unload()
    return model, tokenizer


def train_here(trainer: Callable[..., Any], config: Callable[..., Any], steps: int, seed: int) -> list[dict[str, Any]]:
    """Train with trl in this process, without checkpoints, progress bars or printed dictionaries; returns the log.

    `trainer` makes the trainer out of its `args`, and `config` these, of what all such trainings have in common.
    """
    with tempfile.TemporaryDirectory() as scratch:
        args = config(
            output_dir=scratch, seed=seed, save_strategy="no", report_to=[], logging_steps=max(1, steps // 10)
        )
        made = trainer(args=args)
        for callback in (PrinterCallback, ProgressCallback):
            made.remove_callback(callback)
        made.train()
    return made.state.log_history


def save_checkpoint(model: Any, tokenizer: Any, out: Path) -> None:
    """A full model as `transformers` loads it: safetensors, config, tokenizer; no path of this machine."""
    model.config._name_or_path = ""
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def save_adapter(model: Any, out: Path, base: str) -> None:
    """The adapter named `default` of a peft model, as `peft` loads it; `base` is the name to record for its model."""
    # Embeddings are never trained here; looking for them would need the base's config.
    model.save_pretrained(out, selected_adapters=["default"], save_embedding_layers=False)
    tidy_adapter(out, base)


def tidy_adapter(out: Path, base: str) -> None:
    """Make what peft has written the same bytes each time, with `base` as the name of its model."""
    (out / "README.md").unlink(missing_ok=True)
    path = out / "adapter_config.json"
    config = read_json(path, ours=False)
    config["base_model_name_or_path"] = base
    # peft keeps module names in a set: its order changes with the process.
    if not isinstance(config["target_modules"], str):
        config["target_modules"] = sorted(config["target_modules"])
    write_json(path, config)
