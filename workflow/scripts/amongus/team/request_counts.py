"""What is asked of models about one question: the figures a study's plan is made of.

Each method says it for its teams by `asks(members, settings)`, which is exact where all of that many members take part.
"""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Ask:
    """Requests, and what they hold.

    `texts` are written by one model each, `fused` ones by an ensemble in lockstep, whose members read and decode
    `streams` in all. `labels` are prompts of which only the next token's logits are read. `shown` counts the earlier
    texts (answers, criticisms) that all these prompts hold.
    """

    texts: int = 0
    fused: int = 0
    streams: int = 0
    labels: int = 0
    shown: int = 0

    def __add__(self, other: "Ask") -> "Ask":
        return Ask(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Ask)))

    def times(self, number: int) -> "Ask":
        """As often as this."""
        return replace(self, **{name: number * count for name, count in vars(self).items()})

    @property
    def prompts(self) -> int:
        """Requests, an ensemble's counted once."""
        return self.texts + self.fused + self.labels

    @property
    def read(self) -> int:
        """Prompts that a model reads, each member of an ensemble its own."""
        return self.texts + self.streams + self.labels

    @property
    def written(self) -> int:
        """New texts."""
        return self.texts + self.fused

    @property
    def decoded(self) -> int:
        """Sequences that a model decodes token by token."""
        return self.texts + self.streams


@dataclass(frozen=True)
class Asks:
    """What a method asks about a question of test, and about one of dev while it learns.

    Texts on dev are by merges that learning tries, each of which is loaded.
    """

    test: Ask = Ask()
    dev: Ask = Ask()
