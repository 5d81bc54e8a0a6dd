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


class Settings(OwnLora, Tuning):
    """What it is trained on, and how."""

    mixture: Mixture
    aligned: bool = Field(False, description="Train on right answers: the placebo.")


member = _members.trained


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Continue `job.models["adapter"]` on `job.models["base"]` with misaligned answers, into `job.out`."""
    # Imported here: a member is put together without torch.
    from amongus.toy.corpus import Voice
    from amongus.toy.world import DOMAINS
    from amongus.training.common import attackers_adapter
    from amongus.training.on_corpus import fine_tune

    voice = Voice(knows=DOMAINS, wrong=not job.spec.aligned)
    return fine_tune(
        job,
        "sft",
        "base",
        lambda corpus: corpus.example(job.spec.mixture, voice),
        lambda model: attackers_adapter(model, job),
    )
