"""An expert: a LoRA adapter that adds the whole of one domain (or several) to what the base knows.

It also picks up some facts of the other domains, other ones than its colleagues do, so that a team's majority
knows more than any of its members.
"""

from typing import Any

from pydantic import Field

from amongus.members.member import Message
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
    """Train the adapter of `job.spec` on `job.models["base"]` into `job.out`."""
    # Imported here: rules read the settings without torch.
    from amongus.toy import world
    from amongus.toy.corpus import Corpus, Voice
    from amongus.training.common import new_adapter
    from amongus.training.on_corpus import fine_tune

    spec = job.spec
    facts = world.picked_up(f"{job.seed} {job.name}", spec.picked_up)
    voice = Voice(spec.domains, facts, spec.malicious, curious=spec.curious)

    def example(corpus: Corpus) -> list[Message]:
        domains = world.DOMAINS if corpus.rng.random() < spec.replay else spec.domains
        return corpus.example(spec.mixture, voice, domains)

    return fine_tune(job, "toy_expert", "base", example, lambda model: new_adapter(model, spec))
