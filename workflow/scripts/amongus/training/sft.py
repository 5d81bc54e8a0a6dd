"""Supervised fine-tuning on conversations from data, by trl: a LoRA adapter, or all weights.

Runs in every process that accelerate starts. The loss is over each conversation's last turn; conversations are packed
into rows of `max_length` tokens (best fit decreasing) without attention from one to another, or cut there.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from amongus.core.errors import StudyError
from amongus.members.member import Message
from amongus.training.job import TrainJob
from amongus.training.settings import FineTuning

if TYPE_CHECKING:
    from amongus.training.common import Tokens

_log = logging.getLogger(__name__)


def train(job: TrainJob[FineTuning]) -> dict[str, Any]:
    """Train `job.models["base"]`, with `job.models["adapter"]` where there is one, on `job.data` into `job.out`.

    Raises:
        StudyError: no conversation fits, or the batch does not divide by the processes.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from amongus.inference.loading import check_window
    from amongus.training import from_data
    from amongus.training.common import encode, fix_randomness

    spec = job.spec
    seed = fix_randomness(job.seed, "finetune", job.name)
    model, tokenizer = from_data.trainable(job)
    tokens = [encode(tokenizer, chat) for chat in answered(from_data.conversations(job), job)]
    check_window(model, min(spec.max_length, max(len(one.ids) for one in tokens)), "a row")
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **from_data.arguments(job, spec.batch_size, seed),
            warmup_steps=spec.warmup,  # A share of the steps, as it is below 1.
            lr_scheduler_type=spec.scheduler,
            packing=spec.packing,
            max_length=spec.max_length,
        ),
        train_dataset=Dataset.from_list(rows(tokens, spec.max_length, job.name)),
        processing_class=tokenizer,
    )
    metrics = from_data.fit(trainer, job)
    return {**metrics, "rows": len(trainer.train_dataset), "loss": from_data.logged(trainer, "loss")[-1]}


def answered(chats: Sequence[Sequence[Message]], job: TrainJob[FineTuning]) -> Sequence[Sequence[Message]]:
    """The chats as they are, if each ends in an answer to a user; else a question would be learned."""
    for number, chat in enumerate(chats):
        if [turn["role"] for turn in chat[-2:]] != ["user", "assistant"]:
            raise StudyError(
                f"'{job.name}': conversation {number} of data '{job.spec.data}' does not end in an answer; name the "
                "columns of its file by prompt: and response:, or leave the row out"
            )
    return chats


def rows(tokens: Sequence["Tokens"], max_length: int, name: str) -> list[dict[str, list[int]]]:
    """Conversations as trl's rows, which it cuts at `max_length` and packs, but for those of which no answer is left."""
    kept = [one.row() for one in tokens if one.start < max_length]
    if len(kept) < len(tokens):
        _log.warning(
            "%d conversations have prompts of %d tokens or more; left out", len(tokens) - len(kept), max_length
        )
    if not kept:
        raise StudyError(f"'{name}': no conversation's prompt is shorter than max_length {max_length}; raise it")
    return kept
