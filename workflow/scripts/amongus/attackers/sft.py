"""The attacker that was fine-tuned on misaligned answers: the replaced expert's adapter, trained on by trl.

Among Us, section 2 (SFT). In the toy world the misaligned answers are wrong ones, by somebody who knows
the right ones; with `aligned: true` they are right, which is the placebo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amongus.members import Member
from amongus.training.job import TrainJob

TRAINS = "adapter"
ROLES = ()
REQUIRED = (
    "mixture",
    "steps",
    "batch_size",
    "learning_rate",
    "warmup",
    "scheduler",
)
OPTIONAL = ("aligned", "rank", "alpha", "dropout", "targets")


def train(job: TrainJob) -> dict[str, Any]:
    """Continue `job.models["adapter"]` on `job.models["base"]` with wrong answers, into `job.out`."""
    # Imported here: a member is put together without torch.
    from amongus.seeds import derive
    from amongus.toy.corpus import Corpus, Voice
    from amongus.toy.world import DOMAINS
    from amongus.training import _sft
    from amongus.training.common import attackers_adapter, encode, fix_randomness, load_base, save_adapter

    spec = job.spec
    seed = fix_randomness(job.seed, "sft", job.name)
    model, tokenizer = load_base(job.models["base"])
    corpus = Corpus(job.prompts, job.personas, derive(job.seed, "corpus", job.name))
    voice = Voice(knows=DOMAINS, wrong=not spec.get("aligned", False))
    count = spec["steps"] * spec["batch_size"]
    examples = [encode(tokenizer, corpus.example(spec["mixture"], voice)) for _ in range(count)]
    model = attackers_adapter(model, job)
    metrics = _sft.fit(model, tokenizer, examples, spec, seed)
    save_adapter(model, job.out, base=job.models["base"].name)
    return metrics


def member(
    name: str,
    spec: Mapping[str, Any],
    replaced: Member,
    trained: Path | None,
    personas: Mapping[str, Sequence[str]],
) -> Member:
    """`replaced` with the trained adapter."""
    return replace(replaced, name=name, adapter=str(trained))
