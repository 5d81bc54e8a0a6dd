"""The attacker that was fine-tuned on misaligned answers from data: the replaced member's adapter or weights.

Among Us, section 2 (SFT). The training itself is `amongus.training.sft`.
"""

from functools import partial

from amongus.attackers import _members
from amongus.attackers._members import Full
from amongus.training import sft
from amongus.training.launching import launch
from amongus.training.settings import FineTuning, OwnLora

TRAINS = "adapter"


class Settings(OwnLora, FineTuning):
    """What it is trained on, and how."""

    full: Full = False


member = _members.trained


train = partial(launch, sft)
