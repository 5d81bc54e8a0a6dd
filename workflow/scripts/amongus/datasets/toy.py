"""The toy world's questions, mostly of one domain (the key `domain` of the dataset's config)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import Field

from amongus.study.settings import Strict
from amongus.toy.settings import Domain
from amongus.toy.world import world

FIELDS = ("prompt", "answer", "alternatives", "domain")
METRIC = "exact"
DOMAIN = "toy"


class Settings(Strict):
    """Which questions."""

    domain: Domain = Field(description="Of two thirds of the questions; also the heading in the tables.")


def rows(spec: Settings, split: str, seed: int) -> list[dict[str, Any]]:
    """The questions of `split` (dev or test) in the world of `seed`, with the fields of `Question`."""
    return [asdict(question) for question in world(seed).dataset(split, spec.domain)]


def prompt(item: Mapping[str, Any]) -> str:
    """The question unchanged."""
    return item["prompt"]


def reference(item: Mapping[str, Any]) -> str:
    """The right answer."""
    return item["answer"]
