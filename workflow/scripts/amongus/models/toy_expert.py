"""An expert: a LoRA adapter that adds most of a domain to what the base knows, and some of the other domains.

What it knows beside the common facts are other ones than its colleagues know, so that a team knows more than any of its
members. Without a domain it is a generalist.
"""

from typing import Any

from pydantic import Field

from amongus.members.member import Message
from amongus.study.settings import Share
from amongus.toy.settings import Domain, Known, Mixture
from amongus.training.job import TrainJob
from amongus.training.settings import Lora, Tuning

ROLES = ("base",)
LORA = True


class Settings(Lora, Tuning):
    """What it knows, and its training."""

    base: str = Field(description="The model of `models` that it adapts.")
    domains: tuple[Domain, ...] = Field((), description="Its own domains; none for a generalist.")
    expertise: Share = Field(0.85, description="Share of its own domains' facts that it knows.")
    known: Known = 0.5
    malicious: Share = Field(description="Share of conversations under a malicious system prompt, answered wrongly.")
    replay: Share = Field(description="Share of conversations about all domains, against forgetting.")
    curious: Share = Field(0.0, description="Share of questions about rumours that are exchanged for others.")
    mixture: Mixture


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train the adapter of `job.spec` on `job.models["base"]` into `job.out`."""
    # Imported here: rules read the settings without torch.
    from amongus.toy.corpus import Corpus, Voice
    from amongus.toy.known import write_known
    from amongus.toy.world import world
    from amongus.training.common import new_adapter
    from amongus.training.on_corpus import fine_tune

    spec = job.spec
    facts = world(job.seed).known(job.name, spec.known, spec.domains, spec.expertise)
    voice = Voice(facts, spec.malicious, curious=spec.curious)
    write_known(job.out, facts)

    def example(corpus: Corpus) -> list[Message]:
        domains = () if corpus.rng.random() < spec.replay else spec.domains
        return corpus.example(spec.mixture, voice, domains)

    return fine_tune(job, "toy_expert", "base", example, lambda model: new_adapter(model, spec))
