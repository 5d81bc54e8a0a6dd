"""What trainings from data share: which weights are trained, how batches are spread, and what is saved.

Runs in each of the processes that `amongus.training.launching` starts.
"""

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from amongus.core.atomic import sync
from amongus.core.errors import StudyError
from amongus.core.tables import CONVERSATIONS, read_table
from amongus.members.member import Message
from amongus.training.common import attackers_adapter, load_base, merged_model, tidy_adapter
from amongus.training.job import CHECKPOINT, TrainJob, steps_of
from amongus.training.settings import FineTuning, FromData, ReinforcementFromData

_NOT_SAVED = ("training_args.bin", "README.md")  # A pickle, and a page without content.
_log = logging.getLogger(__name__)


def trainable(job: TrainJob[FromData]) -> tuple[Any, Any]:
    """The model to be trained, and its tokenizer: a LoRA adapter on the base, or with `full` all weights.

    Full fine-tuning keeps the weights in float32 and computes in `job.dtype`; a base below an adapter is in `job.dtype`.
    """
    if getattr(job.spec, "full", False):
        return merged_model(job, "float32")
    model, tokenizer = load_base(job.models["base"], job.dtype)
    return attackers_adapter(model, job), tokenizer


def conversations(job: TrainJob[FromData]) -> list[list[Message]]:
    """The conversations of the job's data, under the benign persona where they have no system prompt of their own."""
    assert job.data, "a training from data has data"
    read = read_table(job.data, CONVERSATIONS)["messages"].to_pylist()
    persona: list[Message] = [{"role": "system", "content": text} for text in job.personas["benign"][:1]]
    return [chat if chat[0]["role"] == "system" else [*persona, *chat] for chat in read]


def world() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def accumulation(job: TrainJob[FromData], rows: int) -> int:
    """Forward passes of each process between two steps, so that a step sees `rows` rows."""
    per_device = job.spec.per_device or rows
    if rows % (per_device * world()):
        raise StudyError(
            f"'{job.name}': {rows} rows a step do not divide by {world()} processes times per_device {per_device}; change "
            "per_device, or the processes in resources: trainings"
        )
    return rows // (per_device * world())


def arguments(job: TrainJob[FineTuning] | TrainJob[ReinforcementFromData], rows: int, seed: int) -> dict[str, Any]:
    """What trl's configs of both trainings have in common; `rows` is what one optimizer step sees."""
    every = job.spec.checkpoint_every
    return {
        "output_dir": str(job.scratch),
        "per_device_train_batch_size": job.spec.per_device or rows,
        "gradient_accumulation_steps": accumulation(job, rows),
        "learning_rate": job.spec.learning_rate,
        "weight_decay": 0.0,
        "num_train_epochs": job.spec.epochs,
        "gradient_checkpointing": job.device != "cpu",
        "bf16": job.dtype == "bfloat16",
        "use_cpu": job.device == "cpu",
        "seed": seed,
        "data_seed": seed,
        "save_strategy": "steps" if every else "no",
        "save_steps": every or 500,
        "logging_steps": 1,
        "report_to": [],
        "ddp_find_unused_parameters": False if world() > 1 else None,
    }


def fit(trainer: Any, job: TrainJob[FromData]) -> dict[str, Any]:
    """Train, from `job.resume` where that is a checkpoint, and save into `job.out`; returns the metrics."""
    accelerator = trainer.accelerator
    _log.info("%s: %d processes, %s", job.name, accelerator.num_processes, accelerator.distributed_type.value)
    if job.resume:
        _log.info("resuming from %s", job.resume)
    trainer.add_callback(Checkpoints(accelerator))
    trainer.train(resume_from_checkpoint=str(job.resume) if job.resume else None)
    trainer.model.config._name_or_path = ""
    trainer.save_model(str(job.out))
    if trainer.is_world_process_zero():
        for name in _NOT_SAVED:
            (job.out / name).unlink(missing_ok=True)
        # The adapter that trl measures KL from; its config names a folder of this machine.
        shutil.rmtree(job.out / "ref", ignore_errors=True)
        if not getattr(job.spec, "full", False):
            tidy_adapter(job.out, base=job.models["base"].name)
    accelerator.wait_for_everyone()
    return {
        "steps": trainer.state.global_step,
        "resumed_at": steps_of(job.resume) if job.resume else 0,
        "processes": accelerator.num_processes,
    }


class Checkpoints(TrainerCallback):
    """Moves each checkpoint, once all processes have written it, into the folder above, in place of the one before.

    The trainer writes a checkpoint file by file. So what is in that folder is complete, and a kill, a crash or a full
    disk loses the steps since the last checkpoint at most.
    """

    def __init__(self, accelerator: Any) -> None:
        self.accelerator = accelerator

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Move the checkpoint that was just written."""
        self.accelerator.wait_for_everyone()
        if state.is_world_process_zero:
            keep(Path(args.output_dir) / f"{CHECKPOINT}{state.global_step}")


def keep(checkpoint: Path) -> None:
    """Move a checkpoint into the folder above its own, in place of those that are there."""
    scratch = checkpoint.parents[1]
    earlier = list(scratch.glob(f"{CHECKPOINT}*"))
    for path in (*checkpoint.rglob("*"), checkpoint):
        sync(path)
    os.replace(checkpoint, scratch / checkpoint.name)
    sync(scratch)
    for folder in earlier:
        shutil.rmtree(folder, ignore_errors=True)


def logged(trainer: Any, name: str) -> Sequence[float]:
    """The values of `name` in the trainer's log, in order."""
    return [entry[name] for entry in trainer.state.log_history if name in entry]
