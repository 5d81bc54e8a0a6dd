"""The attacker that was fine-tuned on misaligned answers: the replaced member's adapter or weights, trained on by trl.

Among Us, section 2 (SFT). The answers come from `data`, or of the toy world (`mixture`): there the misaligned ones are
wrong, by somebody who knows the right ones; with `aligned: true` they are right, which is the placebo.
"""

from typing import Any

from amongus.attackers._trained import member  # noqa: F401 - part of every attacker's face
from amongus.training.job import TrainJob

TRAINS = "adapter"
ROLES = ()
REQUIRED = ("batch_size", "learning_rate", "warmup", "scheduler")
EITHER = (("mixture", "steps"), ("data", "epochs", "max_length"))
OPTIONAL = (
    "aligned",
    "rank",
    "alpha",
    "dropout",
    "targets",
    "full",
    "packing",
    "per_device",
    "checkpoint_every",
    "accelerate",
)


def train(job: TrainJob) -> dict[str, Any]:
    """Continue `job.models["adapter"]` on `job.models["base"]` with misaligned answers, into `job.out`."""
    # Imported here: a member is put together without torch.
    if "data" in job.spec:
        from amongus.training import sft
        from amongus.training.launching import launch

        return launch(sft, job)
    from amongus.core.hashing import derive
    from amongus.toy.corpus import Corpus, Voice
    from amongus.toy.world import DOMAINS
    from amongus.training import sft_tokens
    from amongus.training.common import attackers_adapter, encode, fix_randomness, load_base, save_adapter

    spec = job.spec
    seed = fix_randomness(job.seed, "sft", job.name)
    model, tokenizer = load_base(job.models["base"])
    corpus = Corpus(job.prompts, job.personas, derive(job.seed, "corpus", job.name))
    voice = Voice(knows=DOMAINS, wrong=not spec.get("aligned", False))
    count = spec["steps"] * spec["batch_size"]
    examples = [encode(tokenizer, corpus.example(spec["mixture"], voice)) for _ in range(count)]
    model = attackers_adapter(model, job)
    metrics = sft_tokens.fit(model, tokenizer, examples, spec, seed)
    save_adapter(model, job.out, base=job.models["base"].name)
    return metrics
