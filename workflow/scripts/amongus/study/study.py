"""A study: what its config means in datasets, members, teams and models, and what is run for it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from amongus.study import plugins
from amongus.study.config import Attacker, Dataset, Member, Method, Model, Part, StudyConfig
from amongus.study.names import BENIGN, CLEAN, EMPTY, UNDEFENDED
from amongus.study.paths import Paths


class Study:
    """A config and what its names mean; `loading.load_study` checks it.

    `datasets`, `models`, `attackers` and `methods` are the config's, typed. What rules hand to scripts is plain values of
    them, for each job only what it needs.
    """

    def __init__(self, config: StudyConfig) -> None:
        self.config = config
        self.name = config.study
        self.seeds = list(config.seeds)
        self.paths = Paths(self.name)
        self.datasets: Mapping[str, Dataset] = config.datasets
        self.models: Mapping[str, Model] = config.models
        self.attackers: Mapping[str, Attacker] = config.attackers
        self.methods: Mapping[str, Method] = config.methods
        self.data = config.data

    # -- datasets and methods -------------------------------------------------------------------------

    def dataset_spec(self, dataset: str) -> dict[str, Any]:
        """What makes the questions of `dataset`, as plain values; who scores the answers does not."""
        entry = self.datasets[dataset]
        drawn = {"kind": entry.kind, "dev": entry.dev, "test": entry.test, "data_seed": entry.data_seed}
        return {**drawn, **entry.settings()}

    def metric(self, dataset: str) -> str:
        """The scoring module of `dataset`."""
        metric = plugins.fact("datasets", self.datasets[dataset].kind, "METRIC")
        return metric[self.domain(dataset)] if isinstance(metric, dict) else metric

    @cached_property
    def graded(self) -> list[str]:
        """The datasets whose answers a grader scores, in place of their metric."""
        return [name for name, entry in self.datasets.items() if entry.scored_by == "grader"]

    def domain(self, dataset: str) -> str:
        """The heading of `dataset` in the tables."""
        return self.datasets[dataset].domain or plugins.fact("datasets", self.datasets[dataset].kind, "DOMAIN", dataset)

    def method_fact(self, method: str, constant: str, default: Any = None) -> Any:
        """A constant of the module of `method`."""
        return plugins.fact("methods", self.methods[method].kind, constant, default)

    def level(self, method: str) -> str:
        """The level of collaboration of `method`: api, text, logit or weight."""
        return self.method_fact(method, "LEVEL")

    def learns(self, method: str) -> str | None:
        """What `method` learns from dev (`adapter`, `router`, `weights`), if anything."""
        return self.method_fact(method, "LEARNS")

    def method_models(self, method: str) -> dict[str, str]:
        """The models that the settings of `method` name: setting to model name; `base` may have a default.

        It is the base of most members; of a merge, which adds up what sets members apart from it, their only one.
        """
        named = {name: getattr(self.methods[method], name, None) for name in self.method_fact(method, "MODELS", ())}
        if "base" in named and not named["base"]:
            bases = [self.weights(member)["base"] for member in self.config.pools[CLEAN]]
            if not self.merges(method):
                named["base"] = max(bases, key=bases.count)
            elif len(self.adapter_bases) == 1:
                named["base"] = self.adapter_bases[0]
        return {name: model for name, model in named.items() if model}

    @cached_property
    def adapter_bases(self) -> list[str]:
        """The bases of the clean pool's adapters, sorted; none where its members are whole checkpoints."""
        weights = map(self.weights, self.config.pools[CLEAN])
        return sorted({one["base"] for one in weights if "adapter" in one})

    def named_defences(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The defences of all methods, and where the config names them."""
        for name, entry in self.methods.items():
            yield from ((("methods", name, "defences"), kind) for kind in entry.defences or ())
        if any(entry.defences is None for entry in self.methods.values()):
            yield from ((("defences",), kind) for kind in self.config.defences)

    @staticmethod
    def defence_label(kind: str) -> str:
        """What a defence is called in paths and tables: a file by its name without folder."""
        return Path(kind).stem if kind.endswith(".py") else kind

    @cached_property
    def defence_kinds(self) -> dict[str, str]:
        """Every defence that the config names -> its module."""
        named = {self.defence_label(kind): kind for _, kind in self.named_defences()}
        return {UNDEFENDED: UNDEFENDED, **named}

    def defences(self, method: str) -> list[str]:
        """The defences of `method`, the undefended one first."""
        wanted = self.methods[method].defences or self.config.defences
        return [UNDEFENDED, *(label for label in map(self.defence_label, wanted) if label != UNDEFENDED)]

    def trains(self, member: str) -> str | None:
        """What is trained for a member that is an attacker: `adapter`, `model`, `vector` or nothing."""
        if member not in self.attackers:
            return None
        trains = plugins.fact("attackers", self.attackers[member].kind, "TRAINS")
        return "model" if trains == "adapter" and self.setting(member, "full") else trains

    # -- teams ---------------------------------------------------------------------------------------

    @cached_property
    def pools(self) -> dict[str, list[str]]:
        """All pools: the config's, and after them the controls without attackers."""
        pools = {name: list(members) for name, members in self.config.pools.items()}
        for pool, control in self.controls.items():
            pools.setdefault(control, self._without_attackers(pool))
        return pools

    @cached_property
    def controls(self) -> dict[str, str]:
        """For every attacked pool, the name of its control: the pool without its attackers."""
        last_out = list(self.config.pools[CLEAN])[:-1]
        return {
            pool: EMPTY if self._without_attackers(pool) == last_out else f"{EMPTY}-{pool}"
            for pool, members in self.config.pools.items()
            if any(member in self.attackers for member in members)
        }

    @cached_property
    def members(self) -> list[str]:
        """Every member of every pool, benign ones first."""
        named = dict.fromkeys(member for members in self.pools.values() for member in members)
        return sorted(named, key=lambda member: member in self.attackers)

    def replaced(self, attacker: str) -> str:
        """The member that `attacker` is made from."""
        return self.attackers[attacker].replaces or self.config.pools[CLEAN][-1]

    def _benign(self, member: str) -> tuple[str, Member]:
        """A benign member, or the one that an attacker is made from: its name, and what the config says of it."""
        name = self.replaced(member) if member in self.attackers else member
        return name, self.config.members.get(name, Member())

    def member_model(self, member: str) -> str:
        """The model behind a member, or behind the one that an attacker is made from."""
        name, entry = self._benign(member)
        return entry.model or name

    def attackers_model(self, member: str) -> str | None:
        """The model whose weights an attacker has, if it names one."""
        if member not in self.attackers:
            return None
        named_by = plugins.fact("attackers", self.attackers[member].kind, "WEIGHTS")
        return self.setting(member, named_by) if named_by else None

    def _without_attackers(self, pool: str) -> list[str]:
        return [member for member in self.config.pools[pool] if member not in self.attackers]

    def published(self, attacker: str) -> dict[str, Any] | None:
        """The source of an attacker's published vectors, as plain values; None where it has none."""
        source = self.setting(attacker, "vectors") if self.trains(attacker) == "vector" else None
        return source.plain() if source else None

    @cached_property
    def extracted(self) -> list[str]:
        """The attackers whose vectors are extracted here."""
        return [name for name in self.attackers if self.trains(name) == "vector" and not self.published(name)]

    def extraction_datasets(self, attacker: str) -> list[str]:
        """The datasets over whose dev questions an attacker's vector is extracted: its own list, or all."""
        return sorted(self.setting(attacker, "datasets") or self.datasets)

    def persona(self, member: str) -> str:
        """The persona of a benign member, or of the one that an attacker is made from."""
        return self._benign(member)[1].persona or BENIGN

    def member_description(self, member: str) -> dict[str, Any]:
        """What the rule `member` puts together, as plain values."""
        name, entry = self._benign(member)
        described: dict[str, Any] = {
            "weights": self.weights(member),
            "persona": self.persona(member),
            "description": entry.description or name,
        }
        if member in self.attackers:
            attacker = self.attackers[member]
            described["attacker"] = {"kind": attacker.kind, **attacker.settings()}
            described["trained"] = self.trains(member)
        return described

    # -- models --------------------------------------------------------------------------------------

    @cached_property
    def trained(self) -> list[str]:
        """Everything trained here into a checkpoint or adapter: models, then the attackers that need it."""
        models = [name for name in self.models if name not in self.fetched]
        return models + [name for name in self.attackers if self.trains(name) in ("adapter", "model")]

    @cached_property
    def fetched(self) -> dict[str, Model]:
        """The models that come from the hub as they are."""
        models = self.models.items()
        return {name: entry for name, entry in models if plugins.fact("models", entry.kind, "FETCHED", False)}

    def repository(self, model: str) -> dict[str, Any]:
        """What is fetched for `model`, as plain values (`hub.fetch.fetch` takes them)."""
        entry: Any = self.fetched[model]
        wanted = {"repo": entry.repo, "revision": entry.revision, "lora": self.adapter(model), "base": None}
        if wanted["lora"]:
            wanted["base"] = self.setting(model, "trained_on") or self.setting(entry.base, "repo")
        return wanted

    def adapter(self, model: str) -> bool:
        """Whether `model` is an adapter, not a whole checkpoint."""
        return plugins.fact("models", self.models[model].kind, "LORA", False)

    def plugin(self, name: str) -> tuple[str, str]:
        """The package and kind of a model or attacker: the module that trains it, if it is trained."""
        return ("attackers" if name in self.attackers else "models", self.entry(name).kind)

    def entry(self, name: str) -> Part:
        """The config's entry of a model or attacker."""
        return self.attackers[name] if name in self.attackers else self.models[name]

    def setting(self, name: str, key: str) -> Any:
        """A setting of a model or attacker; None where its kind has none of that name."""
        return getattr(self.entry(name), key, None)

    def training_resources(self, name: str) -> dict[str, int]:
        """What the training of a model or attacker uses: the study's resources, or its own; one process per GPU."""
        resources = {**self.config.resources.plain(), "gpu": self.config.gpus_per_job}
        resources |= resources.pop("trainings").get(name, {})
        return {"processes": max(1, resources["gpu"]), **resources}

    def roles(self, name: str) -> dict[str, str]:
        """The models that the settings of a model or attacker name: role to model name."""
        named = {role: self.setting(name, role) for role in plugins.fact(*self.plugin(name), "ROLES", ())}
        return {role: model for role, model in named.items() if model is not None}

    def parents(self, model: str) -> dict[str, str]:
        """The models that `model` (or attacker) is made from: role to model name."""
        return {**self.roles(model), **(self.weights(model) if model in self.attackers else {})}

    def weights(self, member: str) -> dict[str, str]:
        """The checkpoints a member loads, `base` and perhaps `adapter`, as model names.

        Those of an attacker, before anything is trained for it, are those of the member it replaces.
        """
        model = self.attackers_model(member) or self.member_model(member)
        return {"base": self.roles(model)["base"], "adapter": model} if self.adapter(model) else {"base": model}

    def member_weights(self, member: str) -> list[str]:
        """Names of the models whose folders `member` needs when it runs."""
        trains = self.trains(member)
        if trains == "model":
            return [member]
        return list({**self.weights(member), **({"adapter": member} if trains == "adapter" else {})}.values())

    # -- what is run ---------------------------------------------------------------------------------

    def applicable(self, pool: str, method: str) -> bool:
        """Weights can be merged only where every member's difference is in its weights."""
        if self.level(method) != "weight":
            return True
        members = self.pools[pool]
        in_weights = [
            self.trains(member) in ("adapter", "model") or bool(self.attackers_model(member))
            for member in members
            if member in self.attackers
        ]
        return all(in_weights) and len({self.persona(member) for member in members}) == 1

    @cached_property
    def teams(self) -> list[tuple[str, str]]:
        """Every pool and method that go together."""
        return [team for team in product(self.pools, self.methods) if self.applicable(*team)]

    def pool_defences(self, pool: str, method: str) -> list[str]:
        """The defences run for a pool: controls, and pools with nobody malicious, are only read undefended."""
        malicious = any(member in self.attackers and not self.attackers[member].placebo for member in self.pools[pool])
        return self.defences(method) if malicious or pool == CLEAN else [UNDEFENDED]

    def merges(self, method: str) -> bool:
        """Whether `method` merges the members' weights into one checkpoint."""
        return self.learns(method) == "weights"

    def routes(self, method: str) -> bool:
        """Whether `method` trains a router."""
        return self.learns(method) in ("adapter", "router")

    def needs(self, defences: Iterable[str]) -> set[str]:
        """What some defences read: a subset of {texts, rewards, verdicts, attackers}."""
        kinds = [self.defence_kinds[defence] for defence in defences]
        return {need for kind in kinds for need in plugins.fact("defences", kind, "NEEDS", ())}

    def test_needs(self, pool: str, method: str) -> set[str]:
        """What a team's defences read while it runs: nothing where they have decided before, on dev."""
        return set() if self.merges(method) else self.needs(self.pool_defences(pool, method))

    def dev_needs(self, pool: str, method: str) -> set[str]:
        """What a team's training on dev reads besides dev scores, where the study has it.

        A subset of {texts, rewards, verdicts, lengths, attackers}: what the method reads, and where weights are merged
        what the defences read, because there they decide before.
        """
        wanted = set(self.method_fact(method, "LEARNING_NEEDS", ()))
        if self.merges(method):
            wanted |= self.needs(self.pool_defences(pool, method))
        return wanted if "reward" in self.supervised else wanted - {"rewards"}

    def supervised_pools(self, need: str) -> set[tuple[str, str]]:
        """Pools and splits on which `need` (rewards or verdicts) is read.

        On test where a defence decides question by question, on dev where it decides before or a router is trained.
        """
        read = set()
        for pool, method in self.teams:
            if need in self.test_needs(pool, method):
                read.add((pool, "test"))
            if self.learns(method) and need in self.dev_needs(pool, method):
                read.add((pool, "dev"))
        return read

    @cached_property
    def supervised(self) -> list[str]:
        """The supervisors (`reward`, `judge`) that the study has a model for."""
        return [kind for kind in ("reward", "judge") if getattr(self.config.supervisors, kind)]

    def judges(self, form: str) -> bool:
        """Whether the study has a judge of this form, `pointwise` or `listwise`."""
        return "judge" in self.supervised and self.config.supervisors.judge_form == form
