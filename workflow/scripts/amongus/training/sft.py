"""Supervised fine-tuning on conversations from data, by trl: a LoRA adapter, or all weights.

Runs in every process that accelerate starts. The loss is over each conversation's last turn; conversations are packed
into rows of `max_length` tokens that do not see one another (best fit decreasing), or cut there.
"""

import logging
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from amongus.core.errors import StudyError
from amongus.members.member import Message
from amongus.training.job import TrainJob

if TYPE_CHECKING:
    from amongus.training.common import Tokens

_log = logging.getLogger(__name__)


def train(job: TrainJob) -> dict[str, Any]:
    """Train `job.models["base"]`, with `job.models["adapter"]` where there is one, on `job.data` into `job.out`.

    Raises:
        StudyError: no conversation fits, or the batch does not divide by the processes.
    """
    from trl import SFTConfig, SFTTrainer

    from amongus.training import trainer_args
    from amongus.training.common import encode, fix_randomness

    spec = job.spec
    seed = fix_randomness(job.seed, "finetune", job.name)
    model, tokenizer = trainer_args.trainable(job)
    tokens = [encode(tokenizer, chat) for chat in answered(trainer_args.conversations(job), job)]
    rows = packed(tokens, spec["max_length"], spec.get("packing", False), job)
    steps = ceil(len(rows) / spec["batch_size"]) * spec["epochs"]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **trainer_args.arguments(job, spec["batch_size"], seed),
            warmup_steps=round(spec["warmup"] * steps),
            lr_scheduler_type=spec["scheduler"],
            packing=spec.get("packing", False),
            max_length=spec["max_length"],
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    metrics = trainer_args.fit(trainer, job)
    return {**metrics, "rows": len(rows), "loss": trainer_args.logged(trainer, "loss")[-1]}


def answered(chats: Sequence[Sequence[Message]], job: TrainJob) -> Sequence[Sequence[Message]]:
    """The chats as they are, if each ends in an answer to somebody.

    Raises:
        StudyError: one does not: what would be learned is a question.
    """
    for number, chat in enumerate(chats):
        if [turn["role"] for turn in chat[-2:]] != ["user", "assistant"]:
            raise StudyError(
                f"'{job.name}': conversation {number} of data '{job.spec['data']}' does not end in an answer; name the "
                "columns of its file by prompt: and response:, or leave the row out"
            )
    return chats


def packed(tokens: Sequence["Tokens"], max_length: int, packing: bool, job: TrainJob) -> Any:
    """Conversations as trl's rows of `input_ids` and `labels`, packed (then with `seq_lengths`) or one a row.

    What lies beyond `max_length` is cut off; conversations of which no token to learn is left are left out.

    Raises:
        StudyError: none is left.
    """
    from datasets import Dataset
    from trl.data_utils import pack_dataset

    kept = [one for one in tokens if one.start < max_length]
    if len(kept) < len(tokens):
        _log.warning(
            "%d conversations have prompts of %d tokens or more; left out",
            len(tokens) - len(kept),
            max_length,
        )
    if not kept:
        raise StudyError(
            f"'{job.name}': no conversation's prompt is shorter than max_length {max_length}; raise it"
        )
    rows = Dataset.from_dict(
        {
            "input_ids": [one.ids[:max_length] for one in kept],
            "labels": [([-100] * one.start + one.ids[one.start :])[:max_length] for one in kept],
        }
    )
    return pack_dataset(rows, max_length) if packing else rows
