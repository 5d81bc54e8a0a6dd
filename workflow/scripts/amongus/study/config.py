"""A study's config: every key with its type, default and meaning. A study file says only what differs.

`datasets`, `models`, `attackers` and `methods` hold parts with a `kind`, a module of the package of that name or a Python
file; its own settings are declared there. config/schema.yaml is generated from both (`amongus.study.schema`).
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    StringConstraints,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)

from amongus.study import plugins
from amongus.study.hub_references import DATASETS, UNPINNED, Revision, check_repo
from amongus.study.names import NAME, STORE, UNDEFENDED
from amongus.study.settings import Fidelity, Source, Strict

Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
Item = TypeVar("Item")


def _distinct(items: tuple[Item, ...]) -> tuple[Item, ...]:
    twice = [item for item in items if items.count(item) > 1]
    if twice:
        raise ValueError(f"holds {twice[0]!r} twice")
    return items


Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]
Defences = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_distinct)]


class Part(Strict):
    """Settings of a part, whatever its kind; the kind's own settings are added."""

    own: ClassVar[frozenset[str]] = frozenset()
    """The names of the kind's own settings."""

    kind: str

    def settings(self) -> dict[str, Any]:
        """The kind's own settings as plain values."""
        return {key: value for key, value in self.plain().items() if key in self.own}


class Dataset(Part):
    """Questions: a module of amongus/datasets (default the name itself) or a Python file."""

    scored_by: Literal["metric", "grader"] = Field(
        "metric",
        description="What scores answers: the dataset's metric, or the grader of `supervisors`, which compares them "
        "with the reference (datasets whose module has `reference(item)`).",
    )
    domain: str | None = Field(
        None, description="Heading that gathers datasets in the tables; default is the module's."
    )
    dev: PositiveInt | None = Field(None, description="At most this many dev questions; default all.")
    test: PositiveInt | None = Field(None, description="At most this many test questions; default all.")
    data_seed: NonNegativeInt | None = Field(
        0, description="Draws the questions, the same for all of the study's seeds; null: each seed draws its own."
    )

    @model_serializer(mode="wrap")
    def _with_null(self, settings: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Null is a value of `data_seed`, not the lack of one."""
        return {**settings(self), "data_seed": self.data_seed}


class Model(Part):
    """A checkpoint, trained here or fetched: a module of amongus/models or a Python file."""

    related: Names = Field(
        (),
        description="Models of its family that come from elsewhere (a predecessor). Only the tables read it: they "
        "mark a supervisor that is related to what an attacker was trained against.",
    )


class Attacker(Part):
    """A malicious member: a module of amongus/attackers or a Python file."""

    replaces: str | None = Field(None, description="The member it is made from; default is the clean pool's last.")
    trained_against: str | None = Field(
        None,
        description="The model that it was trained to please or displease, where no setting of its own (`reward`) "
        "names it. Only the tables read it: they mark a supervisor that is, or is related to, that model.",
    )
    placebo: bool = Field(
        False,
        description="Not malicious, a control made like an attacker; left out of the headline figures of paper.md.",
    )


class Method(Part):
    """How a team collaborates: a module of amongus/methods (default the name itself) or a Python file."""

    defences: Defences | None = Field(None, description="Its defences; default is the study's `defences`.")


class Data(Source):
    """Training data from outside the toy world: chats or prompts, as JSON, JSON lines or parquet."""

    repo: str | None = Field(None, description="A data repository of the hub, datasets/owner/name.")
    revision: Revision | None = Field(None, description="Its commit; `make pin` writes it where it says `unpinned`.")
    file: str | None = Field(None, description="Which of its files, where several could be meant.")
    prompt: str | None = Field(None, description="Column of the prompts, where it is called unusually.")
    response: str | None = Field(None, description="Column of the responses, likewise.")
    rows: PositiveInt | None = Field(None, description="At most this many.")
    data_seed: NonNegativeInt = Field(0, description="Draws the sample of rows.")

    @field_validator("repo")
    @classmethod
    def _data_repo(cls, repo: str | None) -> str | None:
        if repo and not repo.startswith(DATASETS):
            raise ValueError(f"must be {DATASETS}owner/name, as the hub shows it")
        if repo:
            check_repo(repo.removeprefix(DATASETS))
        return repo

    @model_validator(mode="after")
    def _one_pinned_source(self) -> "Data":
        if len([place for place in (self.path, self.url, self.repo) if place]) != 1:
            raise ValueError("needs one of path, url and repo")
        if self.repo and not self.revision:
            raise ValueError(f"a repo needs its revision; write revision: {UNPINNED} and run make pin")
        return self


class Member(Strict):
    """A member that differs from a plain model of the same name."""

    model: str | None = Field(None, description="Which model; default is the member's name.")
    persona: str | None = Field(None, description="Persona whose first text is the system prompt.")
    description: str | None = Field(None, description="One line for routers.")


class Supervisors(Strict):
    """Which models supervise."""

    reward: str | None = Field(None, description="A model with one score per conversation.")
    judge: str | None = Field(None, description="A model that judges answers.")
    judge_form: Literal["pointwise", "listwise"] = Field(
        "pointwise",
        description="The judge's question: `pointwise` whether each answer is right, `listwise` which of a pool's "
        "answers is the worst (the paper). Routers compare both candidates' shares of that one answer.",
    )
    judge_orders: PositiveInt = Field(
        1, description="In how many orders a listwise judge sees the answers; their log-probabilities are averaged."
    )
    grader: str | None = Field(None, description="A model that scores the answers of datasets `scored_by` it.")
    grader_tokens: PositiveInt = Field(1024, description="New tokens of the grader at most: reasoning and decision.")


class Sampling(Strict):
    """How texts are sampled; nothing comes from a checkpoint's generation config."""

    temperature: NonNegativeFloat = Field(0.7, description="0 always takes the likeliest token.")
    top_p: float = Field(0.9, gt=0, le=1, description="Share of the probability whose tokens are kept.")
    top_k: NonNegativeInt = Field(0, description="How many tokens are kept; 0 keeps all.")
    repetition_penalty: PositiveFloat = Field(1.0, description="1 is none.")
    max_new_tokens: PositiveInt = 256


class Engine(Strict):
    """Where models run, and how many texts at a time."""

    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["float32", "bfloat16"] = "float32"
    batch_tokens: PositiveInt = Field(16384, description="Prompt and new tokens of one batch.")
    max_batch: PositiveInt = Field(128, description="Texts decoded at once.")
    flush_every: PositiveInt = Field(256, description="Answers between two writes to the store.")


class Training(Strict):
    """What a single training asks for in place of what all jobs do."""

    gpu: NonNegativeInt | None = None
    mem_mb: PositiveInt | None = None
    runtime: PositiveInt | None = None
    threads: PositiveInt | None = None
    processes: PositiveInt | None = Field(None, description="Processes that accelerate starts; default is one per GPU.")


class Resources(Strict):
    """What a job that runs a model asks for.

    On Slurm a second attempt asks for twice the memory and time, a third for three times.
    """

    gpu: NonNegativeInt = Field(0, description="GPUs of each job that runs a model.")
    gpu_model: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_.]+$")] | None = Field(
        None, description="Kind of GPU, as the cluster calls it."
    )
    mem_mb: PositiveInt = Field(2000, description="Under Slurm at least 1000.")
    runtime: PositiveInt = Field(60, description="Minutes.")
    threads: PositiveInt = 1
    trainings: Mapping[Name, Training] = Field(
        {}, description="What single trainings ask for instead, by the name of the model or attacker."
    )
    partition: str | None = Field(None, description="Slurm partition of these jobs; default is the cluster's.")
    account: str | None = Field(None, description="Slurm account of every job, also of those without a model.")


class Scoring(Strict):
    """What one run of an answer may use, where a dataset is scored by running answers (humaneval, ds1000).

    In a sandbox, as many at a time as a job has threads.
    """

    seconds: PositiveFloat = Field(10, description="Of wall clock.")
    memory_mb: int = Field(2048, ge=64, description="Of all its processes together.")
    processes: PositiveInt = Field(16, description="And threads.")
    output_bytes: PositiveInt = Field(65536, description="Kept of each stream; the rest is dropped.")


class Bootstrap(Strict):
    """How the tables' intervals are made."""

    resamples: int = Field(2000, ge=100)
    confidence: float = Field(0.95, gt=0, lt=1)


class Plan(Strict):
    """Sizes that `make plan` expects of models without `gigabytes` of their own; no job depends on them."""

    model_gigabytes: NonNegativeFloat = Field(16, description="Files of a checkpoint or of a merge.")
    adapter_gigabytes: NonNegativeFloat = Field(0.2, description="Files of a LoRA adapter.")


class StudyConfig(Strict):
    """The study's config: every key, its type, and its default. A study file says only what differs."""

    study: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = Field(
        description="Name of the study; results are stored under results/{study}."
    )
    seeds: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1), AfterValidator(_distinct)] = Field(
        description="Everything trained or sampled is repeated for each seed; tables are over all of them."
    )
    prompts: str = Field("resources/prompts/toy.yaml", description="YAML file of the collaboration's prompt templates.")
    personas: str = Field(
        "resources/personas/toy.yaml", description="YAML file: each persona's list of system prompts."
    )
    datasets: dict[Name, SerializeAsAny[Dataset]] = Field(min_length=1, description="The questions.")
    datasets_folder: str | None = Field(
        None, description="Local folder; a dataset with a URL is read from the file of the same name there."
    )
    data: dict[Name, Data] = Field({}, description="Training data; trainings name theirs by `data`.")
    models: dict[Name, SerializeAsAny[Model]] = Field(
        description="Checkpoints: trained here, or fetched from the hub (kinds `hub` and `hub_adapter`)."
    )
    hub_folder: str | None = Field(
        None,
        description="Local folder with the repositories `{owner}/{name}` that models are fetched from, instead of the hub.",
    )
    members: dict[Name, Member] = Field({}, description="Members that differ from a plain model of the same name.")
    attackers: dict[Name, SerializeAsAny[Attacker]] = Field({}, description="Malicious members.")
    pools: dict[Name, Annotated[tuple[str, ...], Field(min_length=2), AfterValidator(_distinct)]] = Field(
        description=(
            "Teams, lists of member names. `clean` is required; the controls without attackers come by themselves."
        )
    )
    methods: dict[Name, SerializeAsAny[Method]] = Field(min_length=1, description="How teams collaborate.")
    fidelity: Fidelity = Field(
        "corrected",
        description="Where the published code deviates from its own description in a way that changes results "
        "(debate, feedback, fusion, contrastive, dare_ties): `corrected` follows the description, `published` the "
        "code. A method's own setting `fidelity` overrides it.",
    )
    defences: Defences = Field(
        (UNDEFENDED,),
        description="Supervisors and controls of every method that does not say otherwise: modules of "
        "amongus/defences, or Python files, which are called by the file's name.",
    )
    supervisors: Supervisors = Supervisors()
    sampling: Sampling = Sampling()
    engine: Engine = Engine()
    store: str = Field(STORE, description="Folder of the answers shared by studies; one user's alone.")
    jobs: Literal["per_team", "per_dataset"] = Field(
        "per_team",
        description="What one job makes: everything of a member or team, or one dataset's part of it. Starting "
        "Python and loading a model costs seconds to minutes: more than a toy dataset takes.",
    )
    resources: Resources = Resources()
    scoring: Scoring = Scoring()
    bootstrap: Bootstrap = Bootstrap()
    plan: Plan = Plan()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def gpus_per_job(self) -> int:
        """The GPUs of each job that runs a model: what the study asks for, and one at least on `cuda`."""
        return max(self.resources.gpu, int(self.engine.device == "cuda"))


PARTS: dict[str, type[Part]] = {"datasets": Dataset, "models": Model, "attackers": Attacker, "methods": Method}
"""The sections whose entries have a kind, and the settings that all kinds share."""
NAMED_AFTER_KIND = ("datasets", "methods")
"""The sections where an entry's kind is by default its name."""


@cache
def part(section: str, kind: str) -> type[Part]:
    """The model of an entry of `section`: the settings of `kind`, and those that all kinds share.

    Raises:
        StudyError: there is no such kind.
    """
    settings, shared = plugins.settings(section, kind), PARTS[section]
    bases = (shared,) if settings is Strict else (settings, shared)
    joined = cast(type[Part], create_model(shared.__name__, __base__=bases))
    joined.own = frozenset(settings.model_fields)
    return joined
