"""What a training is given, whatever its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amongus.members.prompts import Template


@dataclass(frozen=True)
class TrainJob:
    """One model, adapter or vector to be trained.

    Attributes:
        name: of what is trained.
        spec: its subtree of the config.
        models: checkpoint folders it is made from, by role (`base`, `adapter`, `supervisor`, `reward`).
        out: an empty folder for the result; the caller moves it into place.
        seed: the study's seed.
        prompts: the collaboration's templates.
        personas: lists of system prompts by name.
        questions: dataset -> parquet of its dev questions, where a kind needs them.
        data: parquet of conversations, where the spec names some.
        device, dtype: where and in what precision models run; toy models are trained on the CPU in float32.
        processes: that a training from data is spread over.
        scratch: folder for checkpoints of a training from data, kept by it; None: a temporary one.
        accelerate: accelerate's config for it, where the study has one (FSDP, DeepSpeed).
        resume: the checkpoint to go on from.
    """

    name: str
    spec: Mapping[str, Any]
    models: Mapping[str, Path]
    out: Path
    seed: int
    prompts: Mapping[str, Template] = field(default_factory=dict)
    personas: Mapping[str, Sequence[str]] = field(default_factory=dict)
    questions: Mapping[str, Path] = field(default_factory=dict)
    data: Path | None = None
    device: str = "cpu"
    dtype: str = "float32"
    processes: int = 1
    scratch: Path | None = None
    accelerate: Mapping[str, Any] | None = None
    resume: str | None = None
