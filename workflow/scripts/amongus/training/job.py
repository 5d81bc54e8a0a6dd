"""What a training gets, whatever its kind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from amongus.core.hashing import digest
from amongus.core.snakemake_job import Job
from amongus.members.member import hash_file, known_fingerprint
from amongus.members.prompts import Template
from amongus.study import plugins
from amongus.study.settings import Strict

CHECKPOINT = "checkpoint-"
"""Before the number of steps, in the name of a checkpoint's folder (transformers' name)."""

Spec_co = TypeVar("Spec_co", bound=Strict, covariant=True)
"""What a kind's module declares as `Settings`."""


@dataclass(frozen=True)
class TrainJob(Generic[Spec_co]):
    """One model, adapter or vector to be trained.

    Attributes:
        plugin: package and name of the module that trains it.
        spec: the settings that this module declares.
        models: checkpoint folders it is made from, by role (`base`, `adapter`, `supervisor`, `reward`).
        out: an empty folder for the result; the caller moves it into place.
        prompts: the collaboration's templates.
        personas: lists of system prompts by name.
        questions: dataset -> parquet of its dev questions, where a kind needs them.
        data: parquet of conversations, where the spec names some.
        device, dtype: where and in what precision models run; toy models are trained on the CPU in float32.
        processes: that a training from data is spread over.
        scratch: folder for the checkpoints of a training from data.
        accelerate: accelerate's config for it, where the study has one (FSDP, DeepSpeed).
        resume: the checkpoint to resume from.
    """

    name: str
    plugin: tuple[str, str]
    spec: Spec_co
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
    resume: Path | None = None

    def to_json(self) -> bytes:
        """The job for a process of its training."""
        return TypeAdapter(TrainJob).dump_json(self, serialize_as_any=True)

    @staticmethod
    def from_json(content: bytes) -> "TrainJob[Any]":
        """The job that `to_json` wrote."""
        fields = json.loads(content)
        package, kind = fields["plugin"]
        fields["spec"] = plugins.typed(package, kind, fields["spec"])
        return TypeAdapter(TrainJob).validate_python(fields)


def steps_of(checkpoint: Path) -> int:
    """How many steps a training had done when it wrote `checkpoint`."""
    return int(checkpoint.name.removeprefix(CHECKPOINT))


def job_of_rule(snakemake: Job, out: Path) -> TrainJob[Any]:
    """The training that the rule `train` or `extract_vector` describes, into the folder `out`."""
    params, inputs = snakemake.params, snakemake.input
    package, kind = params.plugin
    data = [Path(path) for path in inputs.get("data", [])]
    job = TrainJob(
        name=params.name,
        plugin=(package, kind),
        spec=plugins.typed(package, kind, params.spec),
        models=dict(zip(params.parents, map(Path, inputs.parents), strict=True)),
        out=out,
        seed=int(snakemake.wildcards.seed),
        prompts={name: Template(**template) for name, template in params.prompts.items()},
        personas=params.personas,
        questions=dict(zip(params.get("datasets", []), map(Path, inputs.get("questions", [])), strict=True)),
        data=data[0] if data else None,
        **params.get("machine", {}),
    )
    return replace(job, scratch=_scratch_folder(params.scratch, job, params.code)) if data else job


def _scratch_folder(parent: str | Path, job: TrainJob[Any], code: str) -> Path:
    """The folder for a training's checkpoints: its name has a digest of all that decides the result.

    So no training resumes from the checkpoints of another one.
    """
    parts = {role: known_fingerprint(folder) for role, folder in sorted(job.models.items())}
    data = hash_file(job.data) if job.data else None
    own = {name: getattr(job, name) for name in ("seed", "device", "dtype", "processes", "accelerate")}
    key = digest(job.spec.plain(), parts, data, dict(job.personas), own, code)
    return Path(parent) / f"{job.name}.{key[:12]}"
