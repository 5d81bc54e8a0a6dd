"""The toy world's questions of one domain (the key `domain` of the dataset's config)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import Field

from amongus.study.settings import Strict
from amongus.toy import world
from amongus.toy.settings import Domain

FIELDS = ("prompt", "answer", "alternatives", "domain")
METRIC = {"reasoning": "boxed", "safety": "exact", "writing": "exact", "language": "exact", "knowledge": "exact"}
DOMAIN = "toy"


class Settings(Strict):
    """Which questions."""

    domain: Domain = Field(description="Domain of the toy world; also the heading in the tables.")


def rows(spec: Settings, split: str, seed: int) -> list[dict[str, Any]]:
    """The questions of `split` (dev or test), with the fields of `Question`, the same for every seed."""
    return [asdict(question) for question in world.questions(split)[spec.domain]]


def prompt(item: Mapping[str, Any]) -> str:
    """The question unchanged."""
    return item["prompt"]


def reference(item: Mapping[str, Any]) -> str:
    """The right answer."""
    return item["answer"]
