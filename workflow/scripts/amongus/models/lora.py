"""An expert from data: a LoRA adapter, fine-tuned on conversations (the paper's experts, Among Us, section 5)."""

from functools import partial

from pydantic import Field

from amongus.training import sft
from amongus.training.launching import launch
from amongus.training.settings import FineTuning, Lora

ROLES = ("base",)
LORA = True


class Settings(Lora, FineTuning):
    """A new adapter, and its training."""

    base: str = Field(description="The model of `models` that it adapts.")


train = partial(launch, sft)
