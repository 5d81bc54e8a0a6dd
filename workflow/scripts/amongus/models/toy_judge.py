"""A judge of one answer at a time, whether it is right: the supervisor, fine-tuned on such questions.

Small models learn this form; naming the worst of several answers stayed near chance in every layout tried.
"""

from typing import Any

from pydantic import Field

from amongus.toy.settings import Mixture
from amongus.training.job import TrainJob
from amongus.training.settings import Tuning

ROLES = ("supervisor",)


class Settings(Tuning):
    """What it is made from, and its training."""

    supervisor: str = Field(description="The model of `models` that is fine-tuned.")
    mixture: Mixture


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Fine-tune all weights of `job.models["supervisor"]` on `job.spec.mixture` into `job.out`.

    The wrong answers it sees are the world's alternatives and damaged texts, never an attacker's.
    """
    # Imported here: rules read the settings without torch.
    from amongus.toy.corpus import Voice
    from amongus.toy.known import read_known
    from amongus.training.on_corpus import fine_tune

    # The judge is asked without a system prompt.
    voice = Voice(read_known(job.models["supervisor"]), bare=1.0)
    return fine_tune(job, "toy_judge", "supervisor", lambda corpus: corpus.example(job.spec.mixture, voice))
