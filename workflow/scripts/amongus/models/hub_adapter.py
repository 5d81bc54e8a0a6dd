"""A LoRA adapter of the hub for the model `base`, fetched at a pinned commit (amongus/hub); nothing is trained.

Its config must name the repository of `base`, or what `trained_on` says.
"""

from pydantic import Field

from amongus.study.hub_references import Repository

ROLES = ("base",)
LORA = True
FETCHED = True


class Settings(Repository):
    """The repository, and the model that it adapts."""

    base: str = Field(description="The model of `models` that it adapts.")
    trained_on: str | None = Field(
        None, description="The repository that its config names as its base, where that is another than base's."
    )
