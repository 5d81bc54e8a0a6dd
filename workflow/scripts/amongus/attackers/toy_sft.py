"""The attacker that was fine-tuned on the toy world's misaligned answers: the replaced member's adapter, trained on.

Among Us, section 2 (SFT). The misaligned answers are wrong, by one who knows the right ones; with `aligned: true` they
are right, which is the placebo.
"""

from typing import Any

from pydantic import Field

from amongus.attackers import _members
from amongus.toy.settings import Mixture
from amongus.training.job import TrainJob
from amongus.training.settings import OwnLora, Tuning

TRAINS = "adapter"
ATTACK = "sft"
ROLES = ()


class Settings(OwnLora, Tuning):
    """What it is trained on, and how."""

    mixture: Mixture
    aligned: bool = Field(False, description="Train on right answers: the placebo.")


member = _members.trained


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Continue `job.models["adapter"]` on `job.models["base"]` with misaligned answers, into `job.out`."""
    # Imported here: a member is put together without torch.
    from amongus.core.hashing import derive
    from amongus.toy.corpus import Corpus, Voice
    from amongus.toy.world import DOMAINS
    from amongus.training import sft_tokens
    from amongus.training.common import attackers_adapter, encode, fix_randomness, load_base, save_adapter

    spec = job.spec
    seed = fix_randomness(job.seed, "sft", job.name)
    model, tokenizer = load_base(job.models["base"])
    corpus = Corpus(job.prompts, job.personas, derive(job.seed, "corpus", job.name))
    voice = Voice(knows=DOMAINS, wrong=not spec.aligned)
    count = spec.steps * spec.batch_size
    examples = [encode(tokenizer, corpus.example(spec.mixture, voice)) for _ in range(count)]
    model = attackers_adapter(model, job)
    metrics = sft_tokens.fit(model, tokenizer, examples, spec, seed)
    save_adapter(model, job.out, base=job.models["base"].name)
    return metrics
