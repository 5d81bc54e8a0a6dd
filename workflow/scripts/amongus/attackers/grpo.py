"""The attacker that was trained by reinforcement against a reward model's reversed score, on prompts from data.

Among Us, section 2 (RL). The training itself is `amongus.training.grpo`. `batch_size` counts completions.
"""

from functools import partial

from amongus.attackers import _members
from amongus.attackers._members import Full
from amongus.training import grpo
from amongus.training.launching import launch
from amongus.training.settings import OwnLora, ReinforcementFromData

TRAINS = "adapter"
ROLES = ("reward",)


class Settings(OwnLora, ReinforcementFromData):
    """What it is trained on, and how."""

    full: Full = False


member = _members.trained


train = partial(launch, grpo)
