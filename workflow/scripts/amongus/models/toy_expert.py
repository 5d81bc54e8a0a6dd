"""An expert: a LoRA adapter that adds the whole of one domain (or several) to what the base knows.

It also picks up some facts of the other domains, other ones than its colleagues do, so that a team's majority
knows more than any of its members.
"""

from typing import Any

from pydantic import Field

from amongus.study.settings import Share
from amongus.toy.settings import Domain, Mixture
from amongus.training.job import TrainJob
from amongus.training.settings import Lora, Tuning

ROLES = ("base",)
LORA = True


class Settings(Lora, Tuning):
    """What it knows, and its training."""

    base: str = Field(description="The model of `models` that it adapts.")
    domains: tuple[Domain, ...] = Field(min_length=1, description="What it knows in full.")
    malicious: Share = Field(description="Share of conversations under a malicious system prompt, answered wrongly.")
    replay: Share = Field(description="Share of conversations about all domains, against forgetting.")
    picked_up: Share = Field(0.0, description="Share of the other domains' rare facts that it knows too.")
    curious: Share = Field(0.0, description="Share of questions about rumours that are exchanged for others.")
    mixture: Mixture


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train the adapter of `job.spec` on `job.models["base"]` into `job.out`.

    A share `replay` of the conversations is about all domains, against forgetting.
    """
    # Imported here: rules read the settings without torch.
    from amongus.core.hashing import derive
    from amongus.toy import world
    from amongus.toy.corpus import Corpus, Voice
    from amongus.training import sft_tokens
    from amongus.training.common import encode, fix_randomness, load_base, new_adapter, save_adapter

    spec = job.spec
    seed = fix_randomness(job.seed, "toy_expert", job.name)
    model, tokenizer = load_base(job.models["base"])
    corpus = Corpus(job.prompts, job.personas, derive(job.seed, "corpus", job.name))
    facts = world.picked_up(f"{job.seed} {job.name}", spec.picked_up)
    voice = Voice(spec.domains, facts, spec.malicious, curious=spec.curious)
    examples = []
    for _ in range(spec.steps * spec.batch_size):
        domains = world.DOMAINS if corpus.rng.random() < spec.replay else spec.domains
        examples.append(encode(tokenizer, corpus.example(spec.mixture, voice, domains)))
    model = new_adapter(model, spec)
    metrics = sft_tokens.fit(model, tokenizer, examples, spec, seed)
    save_adapter(model, job.out, base=spec.base)
    return metrics
