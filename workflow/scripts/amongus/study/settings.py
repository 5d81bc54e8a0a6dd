"""What all settings have in common: a base that refuses mistakes, and what kinds of several packages share.

A module that a config names as a `kind` declares its settings as a class `Settings`, derived from `Strict`. YAML reads
`2e-3` as text: a text that is a number counts as one.
"""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator


class Strict(BaseModel):
    """Settings, checked and not to be changed: unknown keys, numbers that are none, and true or false as one are refused."""

    # Most classes are only bases or parts of others: validators are built for those that are used.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        allowed = alternatives(cls.model_fields[str(info.field_name)].annotation)
        if isinstance(value, bool) and {int, float} & set(allowed) and bool not in allowed:
            raise ValueError("must be a number, not true or false")
        return value

    def plain(self) -> dict[str, Any]:
        """The settings as JSON holds them, defaults written out: equal for configs that mean the same."""
        return self.model_dump(mode="json", exclude_none=True)


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the one type that `annotation` is, without their metadata."""
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return tuple(get_args(one)[0] if get_origin(one) is Annotated else one for one in members)


Fidelity = Annotated[
    Literal["corrected", "published"],
    Field(
        description="Where the published code deviates from its own description in a way that changes results: "
        "`corrected` follows the description, `published` the code."
    ),
]
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Checksum of the file.")]


class FollowsCode(Strict):
    """A method where the published code deviates from its own description."""

    fidelity: Fidelity = "corrected"


class Source(Strict):
    """A file that is read: a local one, or one that is fetched."""

    path: str | None = Field(None, description="Local file.")
    url: str | None = Field(None, description="Where to fetch the file.")
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        if self.path and self.url:
            raise ValueError("path and url are both set; omit one")
        return self
