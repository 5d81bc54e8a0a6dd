"""The attacker that was fine-tuned on misaligned answers from data: the replaced member's adapter or weights.

Among Us, section 2 (SFT). The training itself is `amongus.training.sft`.
"""

from typing import Any

from amongus.attackers import _members
from amongus.attackers._members import Full
from amongus.training import sft
from amongus.training.job import TrainJob
from amongus.training.launching import launch
from amongus.training.settings import FineTuning, OwnLora

TRAINS = "adapter"


class Settings(OwnLora, FineTuning):
    """What it is trained on, and how."""

    full: Full = False


member = _members.trained


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Continue `job.models["adapter"]`, or `job.models["base"]`, on the conversations of `job.data`, into `job.out`."""
    return launch(sft, job)
