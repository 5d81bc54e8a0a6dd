"""What a study is made of: the modules, members, teams and models that its config names."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError
from amongus.core.gpus import gpus_per_job
from amongus.study import plugins
from amongus.study.paths import Paths
from amongus.study.validation import CLEAN, EMPTY, NOT_SETTINGS

UNDEFENDED = "none"
BENIGN = "benign"
SCORED_BY, RELATED, TRAINED_AGAINST = "scored_by", "related", "trained_against"


class Parts:
    """A validated config (see config/schema.yaml) and what its names mean."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.name: str = config["study"]
        self.seeds: list[int] = list(config["seeds"])
        self.paths = Paths(self.name)
        # What models and attackers are, without what only the tables say of them.
        self.models = _without(RELATED, config["models"])
        self.attackers = _without(TRAINED_AGAINST, config["attackers"])
        self.methods: dict[str, dict[str, Any]] = {k: dict(v or {}) for k, v in config["methods"].items()}
        self.data: dict[str, dict[str, Any]] = {name: dict(spec) for name, spec in config["data"].items()}
        # What makes the questions; who scores the answers does not.
        self.datasets = _without(SCORED_BY, config["datasets"])

    # -- names and modules ---------------------------------------------------------------------------

    def dataset_kind(self, dataset: str) -> str:
        """The module of `dataset`."""
        return self.datasets[dataset].get("kind", dataset)

    def metric(self, dataset: str) -> str:
        """The scoring module of `dataset`."""
        metric = plugins.fact("datasets", self.dataset_kind(dataset), "METRIC")
        return metric.get(self.domain(dataset)) if isinstance(metric, dict) else metric

    @cached_property
    def verified(self) -> list[str]:
        """The datasets whose answers a verifier scores, in place of their metric."""
        specs = self.config["datasets"]
        return [name for name, spec in specs.items() if (spec or {}).get(SCORED_BY) == "verifier"]

    def domain(self, dataset: str) -> str:
        """The heading of `dataset` in the tables."""
        return self.datasets[dataset].get("domain") or plugins.fact(
            "datasets", self.dataset_kind(dataset), "DOMAIN", dataset
        )

    def method_kind(self, method: str) -> str:
        """The module of `method`: its own name, unless the config says otherwise."""
        return self.methods[method].get("kind", method)

    def method_fact(self, method: str, constant: str, default: Any = None) -> Any:
        """A constant of the module of `method`."""
        return plugins.fact("methods", self.method_kind(method), constant, default)

    def level(self, method: str) -> str:
        """The level of collaboration of `method`: api, text, logit or weight."""
        return self.method_fact(method, "LEVEL")

    def learns(self, method: str) -> str | None:
        """What `method` learns from dev (`adapter`, `router`, `weights`), if anything."""
        return self.method_fact(method, "LEARNS")

    def settings(self, method: str) -> dict[str, Any]:
        """The settings of `method`: its module's, with the study's `fidelity`, overridden by the config's."""
        settings = dict(self.method_fact(method, "SETTINGS", {}))
        if "fidelity" in settings:
            settings["fidelity"] = self.config["fidelity"]
        own = {key: value for key, value in self.methods[method].items() if key not in NOT_SETTINGS}
        return {**settings, **own}

    def method_models(self, method: str) -> dict[str, str]:
        """The models that the settings of `method` name: setting to model name; `base` may have a default.

        A merge adds up what sets members apart from their base: a base that is only the most common one will not do.
        """
        base = self.common_base
        if self.learns(method) == "weights":
            base = self.adapter_bases[0] if len(self.adapter_bases) == 1 else None
        settings = _given({"base": base, **_given(self.settings(method))})
        return {name: settings[name] for name in self.method_fact(method, "MODELS", ()) if name in settings}

    @cached_property
    def common_base(self) -> str:
        """The base of most of the clean pool's members: what a method builds on that is the same for all pools."""
        bases = [self.weights(member)["base"] for member in self.config["pools"][CLEAN]]
        return max(bases, key=bases.count)

    @cached_property
    def adapter_bases(self) -> list[str]:
        """The bases of the clean pool's adapters, sorted; none where its members are whole checkpoints."""
        weights = map(self.weights, self.config["pools"][CLEAN])
        return sorted({one["base"] for one in weights if "adapter" in one})

    @cached_property
    def defence_kinds(self) -> dict[str, str]:
        """Every defence that the config names -> its module. A file is called by its name without folder.

        Raises:
            StudyError: two files would be called the same.
        """
        kinds = {UNDEFENDED: UNDEFENDED}
        lists = [self.config["defences"], *(spec.get("defences", ()) for spec in self.methods.values())]
        for kind in (kind for kinds_named in lists for kind in kinds_named):
            if kinds.setdefault(_label(kind), kind) != kind:
                raise StudyError(
                    f"defences: '{kind}' and '{kinds[_label(kind)]}' would both be called "
                    f"'{_label(kind)}'; rename one"
                )
        return kinds

    def defences(self, method: str) -> list[str]:
        """The defences of `method`, the undefended one first."""
        wanted = map(_label, self.methods[method].get("defences", self.config["defences"]))
        return [UNDEFENDED, *(defence for defence in wanted if defence != UNDEFENDED)]

    def trains(self, attacker: str) -> str | None:
        """What is trained for `attacker`: `adapter`, `model`, `vector` or nothing."""
        trains = plugins.fact("attackers", self.attackers[attacker]["kind"], "TRAINS")
        return "model" if trains == "adapter" and self.attackers[attacker].get("full") else trains

    # -- teams ---------------------------------------------------------------------------------------

    @cached_property
    def pools(self) -> dict[str, list[str]]:
        """All pools: the config's, and after them the controls without attackers."""
        pools = {name: list(members) for name, members in self.config["pools"].items()}
        for pool, control in self.controls.items():
            pools.setdefault(control, self._without_attackers(pool))
        return pools

    @cached_property
    def controls(self) -> dict[str, str]:
        """For every attacked pool, the name of its control: the pool without its attackers."""
        last_out = list(self.config["pools"][CLEAN])[:-1]
        return {
            pool: EMPTY if self._without_attackers(pool) == last_out else f"{EMPTY}-{pool}"
            for pool, members in self.config["pools"].items()
            if any(member in self.attackers for member in members)
        }

    @cached_property
    def members(self) -> list[str]:
        """Every member of every pool, benign ones first."""
        named = dict.fromkeys(member for members in self.pools.values() for member in members)
        return sorted(named, key=lambda member: member in self.attackers)

    def replaced(self, attacker: str) -> str:
        """The member that `attacker` is made from."""
        return self.attackers[attacker].get("replaces") or self.config["pools"][CLEAN][-1]

    def member_model(self, member: str) -> str:
        """The model behind a benign member."""
        return self.config["members"].get(member, {}).get("model", member)

    def attackers_model(self, member: str) -> str | None:
        """The model whose weights an attacker has, if it names one."""
        if member not in self.attackers:
            return None
        spec = self.attackers[member]
        return spec.get(plugins.fact("attackers", spec["kind"], "WEIGHTS", None))

    def _without_attackers(self, pool: str) -> list[str]:
        return [member for member in self.config["pools"][pool] if member not in self.attackers]

    def steered(self, attacker: str) -> bool:
        """Whether `attacker` is a vector added to the member it replaces."""
        return attacker in self.attackers and self.trains(attacker) == "vector"

    def in_weights(self, attacker: str) -> bool:
        """Whether all of an attacker's malice lies in its weights."""
        return self.trains(attacker) in ("adapter", "model") or bool(self.attackers_model(attacker))

    def published(self, attacker: str) -> dict[str, Any] | None:
        """The source of an attacker's published vectors; None where it has none."""
        return self.attackers[attacker].get("vectors") if self.steered(attacker) else None

    @cached_property
    def extracted(self) -> list[str]:
        """The attackers whose vectors are extracted here."""
        return [name for name in self.attackers if self.steered(name) and not self.published(name)]

    def extraction_datasets(self, attacker: str) -> list[str]:
        """The datasets over whose dev questions an attacker's vector is extracted: its own list, or all."""
        return sorted(self.attackers[attacker].get("datasets") or self.datasets)

    def persona(self, member: str) -> str:
        """The persona of a benign member, or of the one that an attacker is made from."""
        benign = self.replaced(member) if member in self.attackers else member
        return self.config["members"].get(benign, {}).get("persona", BENIGN)

    def member_description(self, member: str) -> dict[str, Any]:
        """What the rule `member` puts together, as plain values."""
        benign = self.replaced(member) if member in self.attackers else member
        own = self.config["members"].get(benign, {})
        described = {
            "weights": self.weights(member),
            "persona": self.persona(member),
            "description": own.get("description", benign),
        }
        if member in self.attackers:
            described["attacker"] = self.attackers[member]
            described["trained"] = self.trains(member)
        return described

    # -- models --------------------------------------------------------------------------------------

    @cached_property
    def trained(self) -> dict[str, dict[str, Any]]:
        """Everything trained here into a checkpoint or adapter: models, then the attackers that need it."""
        own = {
            name: spec for name, spec in self.attackers.items() if self.trains(name) in ("adapter", "model")
        }
        models = {name: spec for name, spec in self.models.items() if name not in self.fetched}
        return {**models, **own}

    @cached_property
    def fetched(self) -> dict[str, dict[str, Any]]:
        """The models that come from the hub as they are."""
        models = self.models.items()
        return {name: spec for name, spec in models if plugins.fact("models", spec["kind"], "FETCHED", False)}

    def repository(self, model: str) -> dict[str, Any]:
        """What is fetched for `model`, as plain values (`hub.fetch.fetch` takes them)."""
        spec = self.fetched[model]
        lora = plugins.fact("models", spec["kind"], "LORA", False)
        base = self.models[spec["base"]].get("repo") if lora else None
        return {
            "repo": spec["repo"],
            "revision": spec["revision"],
            "lora": lora,
            "base": spec.get("trained_on", base) if lora else None,
        }

    def training_room(self, model: str) -> tuple[str, str]:
        """The room and name of the module that trains `model` (or an attacker)."""
        return ("attackers" if model in self.attackers else "models", self.trained_spec(model)["kind"])

    def training_entry(self, model: str) -> str:
        """The module that trains `model`, as `code_digest` and `plugins` name it."""
        return plugins.entry(*self.training_room(model))

    def trained_spec(self, model: str) -> dict[str, Any]:
        """The config subtree of a trained model or attacker."""
        return self.attackers[model] if model in self.attackers else self.models[model]

    def training_data(self, model: str) -> str | None:
        """The data that `model` (or attacker) is trained on, if it is not of the toy world."""
        return self.trained_spec(model).get("data")

    def training_resources(self, model: str) -> dict[str, int]:
        """What the training of `model` (or attacker) asks for: the study's resources, or its own."""
        resources = {**self.config["resources"], "gpu": gpus_per_job(self.config)}
        return {**resources, **resources.pop("trainings").get(model, {})}

    def processes(self, model: str) -> int:
        """How many processes the training of `model` is spread over: one per GPU, unless the config says."""
        asked = self.training_resources(model)
        return asked.get("processes") or max(1, asked["gpu"])

    def parents(self, model: str) -> dict[str, str]:
        """The models that `model` (or attacker) is made from: role to model name."""
        spec = self.trained_spec(model)
        wanted = plugins.fact(*self.training_room(model), "ROLES", ())
        roles = {role: spec[role] for role in wanted if spec.get(role)}
        if model in self.attackers:
            roles.update(self.weights(model))
        return roles

    def weights(self, member: str) -> dict[str, str]:
        """The checkpoints a member loads, `base` and perhaps `adapter`, as model names.

        Those of an attacker, before anything is trained for it, are those of the member it replaces.
        """
        model = self.attackers_model(member) or self.member_model(
            self.replaced(member) if member in self.attackers else member
        )
        spec = self.models[model]
        if plugins.fact("models", spec["kind"], "LORA", False):
            return {"base": spec["base"], "adapter": model}
        return {"base": model}

    def member_weights(self, member: str) -> list[str]:
        """Names of the models whose folders `member` needs when it runs."""
        if member not in self.attackers:
            return list(self.weights(member).values())
        names = self.weights(member)
        trains = self.trains(member)
        if trains == "model":
            return [member]
        if trains == "adapter":
            names["adapter"] = member
        return list(names.values())


def _without(key: str, specs: Mapping[str, Mapping[str, Any] | None]) -> dict[str, dict[str, Any]]:
    """Copies of the `specs` that lack `key`."""
    return {name: {k: v for k, v in (spec or {}).items() if k != key} for name, spec in specs.items()}


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not None."""
    return {key: value for key, value in settings.items() if value is not None}


def _label(kind: str) -> str:
    """What a defence is called in paths and tables."""
    return Path(kind).stem if kind.endswith(".py") else kind
