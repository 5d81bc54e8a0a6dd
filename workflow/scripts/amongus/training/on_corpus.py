"""Fine-tuning on conversations of the toy world, in this process."""

from collections.abc import Callable, Sequence
from typing import Any

from peft import PeftModel

from amongus.core.hashing import derive
from amongus.members.member import Message
from amongus.toy.corpus import Corpus
from amongus.toy.world import world
from amongus.training import sft_tokens
from amongus.training.common import encode, fix_randomness, load_base, save_adapter, save_checkpoint
from amongus.training.job import TrainJob
from amongus.training.settings import Tuning


def fine_tune(
    job: TrainJob[Tuning],
    purpose: str,
    parent: str,
    example: Callable[[Corpus], Sequence[Message]],
    adapted: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """Fine-tune `job.models[parent]` into `job.out`, and return the metrics.

    `example` draws a conversation, `adapted` puts the adapter on the model that is trained and saved; without it, all
    weights are. `purpose` is a part of the seed.
    """
    seed = fix_randomness(job.seed, purpose, job.name)
    model, tokenizer = load_base(job.models[parent])
    corpus = Corpus(job.prompts, job.personas, world(job.seed), derive(job.seed, "corpus", job.name))
    examples = [encode(tokenizer, example(corpus)) for _ in range(job.spec.steps * job.spec.batch_size)]
    if adapted:
        model = adapted(model)
    metrics = sft_tokens.fit(model, tokenizer, examples, job.spec, seed)
    if isinstance(model, PeftModel):
        save_adapter(model, job.out, base=job.models[parent].name)
    else:
        save_checkpoint(model, tokenizer, job.out)
    return metrics
