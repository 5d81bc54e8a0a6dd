"""The LLM router's adapter: a LoRA that answers "which model?" with a member's label (Among Us, section 3)."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amongus.members.member import Message
from amongus.training import sft_tokens
from amongus.training.common import Tokens, encode, fix_randomness, load_base, new_adapter, save_adapter
from amongus.training.settings import RouterTraining


def train_router(
    base: Path,
    conversations: Sequence[Sequence[Message]],
    labels: Sequence[str],
    settings: RouterTraining,
    seed: int,
    out: Path,
    device: str = "cpu",
    dtype: str = "float32",
) -> dict[str, Any]:
    """Train the adapter into the folder `out`.

    Args:
        base: checkpoint folder.
        conversations: the router's prompts, one per dev question.
        labels: the right answer to each.
        settings: of the adapter and its training.
        seed: of the adapter and the order.
        out: an empty folder.
        device, dtype: where the base runs, and in what precision.
    """
    fixed = fix_randomness(seed, "router")
    model, tokenizer = load_base(base, dtype)
    examples = [
        encode(tokenizer, [*conversation, {"role": "assistant", "content": label}])
        for conversation, label in zip(conversations, labels, strict=True)
    ]
    size = min(settings.batch_size, len(examples))
    model = new_adapter(model, settings)
    stream = passes(examples, settings.epochs, size, fixed)
    metrics = sft_tokens.fit(
        model, tokenizer, stream, settings.model_copy(update={"batch_size": size}), fixed, bucket=1, device=device
    )
    save_adapter(model, out, base="base")
    return metrics


def passes(examples: Sequence[Tokens], epochs: int, size: int, seed: int) -> list[Tokens]:
    """The examples `epochs` times, each pass in a new order and in whole batches of `size`.

    Which examples are left over after the last whole batch differs between passes.
    """
    order = random.Random(seed)
    whole = len(examples) // size * size
    return [examples[place] for _ in range(epochs) for place in order.sample(range(len(examples)), whole)]
