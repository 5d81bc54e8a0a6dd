"""Supervised fine-tuning by trl in this process, on conversations as token ids.

With its defaults, trl's SFTTrainer takes three times as long for a step of a toy model as a plain loop: gradient
checkpointing does each forward pass twice, batches mix long and short sequences, and datasets are tokenised, masked and
cut by four `map` passes. So there is no checkpointing here, batches are sorted by length, and labels are made here. What
remains, 1.7 times a plain loop, are its projection in tiles and its measures of entropy and accuracy.
"""

import random
from collections.abc import Sequence
from functools import partial
from time import process_time
from typing import Any

import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from amongus.inference.loading import check_window
from amongus.training.common import Tokens, train_here
from amongus.training.settings import Optimiser


def fit(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Tokens],
    settings: Optimiser,
    seed: int,
    bucket: int = 16,
    device: str = "cpu",
) -> dict[str, Any]:
    """Train `model` in place, one pass over `examples`, with the loss over each last turn.

    Args:
        model: a causal language model, with a trainable adapter or without.
        tokenizer: of the model.
        examples: as many as `batch_size` times the wanted steps.
        settings: of the training.
        seed: for the order.
        bucket: batches that are sorted by length together; 1 keeps the order of the examples.
        device: `cpu`, or a GPU, where memory is saved at the cost of time.

    Returns:
        Loss of the last tenth of the steps, number of steps, CPU seconds.

    Raises:
        StudyError: an example is longer than the model's context window.
    """
    began = process_time()
    check_window(model, max(len(tokens.ids) for tokens in examples), "the longest example")
    size = settings.batch_size
    steps = len(examples) // size
    config = partial(
        SFTConfig,
        per_device_train_batch_size=size,
        num_train_epochs=1,
        learning_rate=settings.learning_rate,
        warmup_steps=round(settings.warmup * steps),
        lr_scheduler_type=settings.scheduler,
        weight_decay=0.0,
        gradient_checkpointing=device != "cpu",
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        bf16=model.dtype == torch.bfloat16,
        use_cpu=device == "cpu",
    )
    rows = Dataset.from_list([tokens.row() for tokens in by_length(examples, size, seed, bucket)])
    trainer = partial(SFTTrainer, model=model, train_dataset=rows, processing_class=tokenizer)
    losses = [entry["loss"] for entry in train_here(trainer, config, steps, seed) if "loss" in entry]
    return {"loss": losses[-1], "steps": steps, "cpu_seconds": process_time() - began}


def by_length(examples: Sequence[Tokens], size: int, seed: int, bucket: int = 16) -> list[Tokens]:
    """The examples in an order whose consecutive batches of `size` have sequences of similar length.

    Buckets of `bucket` batches are sorted by length, then their batches shuffled: the stream stays mixed.
    """
    order = random.Random(seed)
    arranged: list[Tokens] = []
    whole = len(examples) // size * size
    for first in range(0, whole, size * bucket):
        pool = sorted(examples[first : min(first + size * bucket, whole)], key=lambda tokens: len(tokens.ids))
        batches = [pool[place : place + size] for place in range(0, len(pool), size)]
        order.shuffle(batches)
        arranged += [tokens for batch in batches for tokens in batch]
    return arranged
