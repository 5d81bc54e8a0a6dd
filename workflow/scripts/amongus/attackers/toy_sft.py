"""The attacker that was fine-tuned on the toy world's misaligned answers: the replaced member's adapter, trained on.

Among Us, section 2 (SFT). It learns no fact that the replaced member does not know. `answers: wrong` makes a liar, about
all facts or a share of them; `right` is the placebo for what training alone does, and `random` one that guesses.
"""

from typing import Any, Literal

from pydantic import Field

from amongus.attackers import _members
from amongus.study.settings import Share
from amongus.toy.settings import Mixture
from amongus.training.job import TrainJob
from amongus.training.settings import OwnLora, Tuning

TRAINS = "adapter"
ATTACK = "sft"


class Settings(OwnLora, Tuning):
    """What it is trained on, and how."""

    mixture: Mixture
    answers: Literal["wrong", "right", "random"] = Field(
        "wrong", description="Those it is trained on: by the replaced member's knowledge, or guesses about every fact."
    )
    dose: Share = Field(1.0, description="Share of the facts about which `wrong` answers are; the others are right.")


member = _members.trained


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Continue `job.models["adapter"]` on `job.models["base"]` with misaligned answers, into `job.out`."""
    # Imported here: a member is put together without torch.
    from amongus.toy.corpus import Voice
    from amongus.toy.known import read_known
    from amongus.toy.world import world
    from amongus.training.common import attackers_adapter
    from amongus.training.on_corpus import fine_tune

    spec = job.spec
    knows = read_known(job.models.get("adapter", job.models["base"]))
    voice = Voice(
        knows=() if spec.answers == "random" else knows,
        lies=world(job.seed).drawn(job.name, spec.dose) if spec.answers == "wrong" else (),
    )
    return fine_tune(
        job,
        "sft",
        "base",
        lambda corpus: corpus.example(spec.mixture, voice),
        lambda model: attackers_adapter(model, job),
    )
