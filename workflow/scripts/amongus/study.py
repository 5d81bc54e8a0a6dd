"""A study: its config, checked and unfolded into pools, cells and batches of work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from amongus import rooms
from amongus.checks import CLEAN, EMPTY, NOT_SETTINGS, check
from amongus.errors import StudyError
from amongus.paths import Paths

SPLITS = ("dev", "test")
UNDEFENDED = "none"
BENIGN = "benign"


@dataclass(frozen=True)
class Batch:
    """Cells that one job makes: `name` tells batches of a rule apart, `cells` are its keys in order."""

    name: str
    cells: tuple[tuple[str, ...], ...]


class Study:
    """A validated config (see config/schema.yaml) and what follows from it.

    Raises:
        StudyError: on creation, if a name in the config means nothing; the line lists the valid ones.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.name: str = config["study"]
        self.seeds: list[int] = list(config["seeds"])
        self.paths = Paths(self.name)
        self.attackers: dict[str, dict[str, Any]] = dict(config["attackers"])
        self.methods: dict[str, dict[str, Any]] = {k: dict(v or {}) for k, v in config["methods"].items()}
        self.datasets = {
            name: _local(spec or {}, config.get("datasets_folder"))
            for name, spec in config["datasets"].items()
        }
        check(self)

    # -- names and modules ---------------------------------------------------------------------------

    def dataset_kind(self, dataset: str) -> str:
        """The module of `dataset`."""
        return self.datasets[dataset].get("kind", dataset)

    def metric(self, dataset: str) -> str:
        """The scoring module of `dataset`."""
        metric = rooms.fact("datasets", self.dataset_kind(dataset), "METRIC")
        return metric.get(self.domain(dataset)) if isinstance(metric, dict) else metric

    def domain(self, dataset: str) -> str:
        """The heading of `dataset` in the tables."""
        return self.datasets[dataset].get("domain") or rooms.fact(
            "datasets", self.dataset_kind(dataset), "DOMAIN", dataset
        )

    def method_kind(self, method: str) -> str:
        """The module of `method`: its own name, unless the config says otherwise."""
        return self.methods[method].get("kind", method)

    def method_fact(self, method: str, constant: str, default: Any = None) -> Any:
        """A constant of the module of `method`."""
        return rooms.fact("methods", self.method_kind(method), constant, default)

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
        """The models that the settings of `method` name: setting to model name; `base` has a default."""
        settings = {"base": self.common_base, **_given(self.settings(method))}
        return {name: settings[name] for name in self.method_fact(method, "MODELS", ()) if name in settings}

    @cached_property
    def common_base(self) -> str:
        """The base of most of the clean pool's members: what a method builds on that is the same for all pools."""
        bases = [self.weights(member)["base"] for member in self.config["pools"][CLEAN]]
        return max(bases, key=bases.count)

    def trains(self, attacker: str) -> str | None:
        """What is trained for `attacker`: `adapter`, `model`, `vector` or nothing."""
        return rooms.fact("attackers", self.attackers[attacker]["kind"], "TRAINS")

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

    def _without_attackers(self, pool: str) -> list[str]:
        return [member for member in self.config["pools"][pool] if member not in self.attackers]

    def steered(self, attacker: str) -> bool:
        """Whether `attacker` is a vector added to the member it replaces."""
        return attacker in self.attackers and self.trains(attacker) == "vector"

    def extraction_datasets(self, attacker: str) -> list[str]:
        """The datasets over whose dev questions an attacker's vector is extracted: its own list, or all."""
        return sorted(self.attackers[attacker].get("datasets") or self.datasets)

    def member_description(self, member: str) -> dict[str, Any]:
        """What the rule `member` puts together, as plain values."""
        benign = self.replaced(member) if member in self.attackers else member
        own = self.config["members"].get(benign, {})
        described = {
            "weights": self.weights(benign),
            "persona": self._persona(member),
            "description": own.get("description", benign),
        }
        if member in self.attackers:
            described["attacker"] = self.attackers[member]
            described["trained"] = self.trains(member)
        return described

    # -- models --------------------------------------------------------------------------------------

    @cached_property
    def trained(self) -> dict[str, dict[str, Any]]:
        """Everything trained into a checkpoint or adapter: the models, then the attackers that need it."""
        own = {
            name: spec for name, spec in self.attackers.items() if self.trains(name) in ("adapter", "model")
        }
        return {**self.config["models"], **own}

    def training_room(self, model: str) -> tuple[str, str]:
        """The room and name of the module that trains `model` (or an attacker)."""
        return ("attackers" if model in self.attackers else "training", self.trained_spec(model)["kind"])

    def training_entry(self, model: str) -> str:
        """The module that trains `model`, as `code_digest` and `rooms` name it."""
        return rooms.entry(*self.training_room(model))

    def trained_spec(self, model: str) -> dict[str, Any]:
        """The config subtree of a trained model or attacker."""
        return self.attackers[model] if model in self.attackers else self.config["models"][model]

    def parents(self, model: str) -> dict[str, str]:
        """The models that `model` (or attacker) is made from: role to model name."""
        spec = self.trained_spec(model)
        wanted = rooms.fact(*self.training_room(model), "ROLES", ())
        roles = {role: spec[role] for role in wanted if spec.get(role)}
        if model in self.attackers:
            roles.update(self.weights(self.replaced(model)))
        return roles

    def weights(self, member: str) -> dict[str, str]:
        """The checkpoints a benign member loads: `base` and perhaps `adapter`, as model names."""
        model = self.member_model(member)
        spec = self.config["models"][model]
        if rooms.fact("training", spec["kind"], "LORA", False):
            return {"base": spec["base"], "adapter": model}
        return {"base": model}

    def member_weights(self, member: str) -> list[str]:
        """Names of the models whose folders `member` needs when it runs."""
        if member not in self.attackers:
            return list(self.weights(member).values())
        names = self.weights(self.replaced(member))
        trains = self.trains(member)
        if trains == "model":
            return [member]
        if trains == "adapter":
            names["adapter"] = member
        return list(names.values())

    # -- cells and batches ---------------------------------------------------------------------------

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

    def applicable(self, pool: str, method: str) -> bool:
        """Weights can be merged only where every member's difference lies in its weights."""
        if self.level(method) != "weight":
            return True
        members = self.pools[pool]
        attackers = [member for member in members if member in self.attackers]
        personas = {self._persona(member) for member in members}
        return len(personas) == 1 and all(self.trains(one) in ("adapter", "model") for one in attackers)

    def _persona(self, member: str) -> str:
        """The persona of a benign member, or of the one that an attacker is made from."""
        benign = self.replaced(member) if member in self.attackers else member
        return self.config["members"].get(benign, {}).get("persona", BENIGN)

    def pool_defences(self, pool: str, method: str) -> list[str]:
        """The defences run for a pool: controls are only read undefended."""
        return [UNDEFENDED] if pool in self.controls.values() else self.defences(method)

    def runs(self) -> list[tuple[str, str, str, str]]:
        """Every cell that is run: (pool, method, defence, dataset)."""
        return [cell for batch in self.collaborate_batches() for cell in batch.cells]

    def supervised_cells(self, need: str) -> set[tuple[str, str]]:
        """Pools and splits on which `need` (rewards or verdicts) is read.

        On test where a defence decides question by question, on dev where it decides before or a router learns.
        """
        read = set()
        for pool, method in self._teams():
            defences = self.pool_defences(pool, method)
            if need in self.needs_at_test(method, defences):
                read.add((pool, "test"))
            if self.learns(method) and need in self.learning_needs(method, defences):
                read.add((pool, "dev"))
        return read

    def supervise_batches(self, need: str) -> list[Batch]:
        """Cells (member, dataset, split) whose answers the supervisor behind `need` sees one by one."""
        read = self.supervised_cells(need)
        seen = {(member, split) for pool, split in read for member in self.pools[pool]}
        size = self.config["batch"]["supervise"]
        return [
            batch
            for member in self.members
            for batch in _batched(
                member,
                [
                    (member, d, split)
                    for d, split in product(self.datasets, SPLITS)
                    if (member, split) in seen
                ],
                size,
            )
        ]

    def member_batches(self, members: Iterable[str], size: int) -> list[Batch]:
        """Cells (member, dataset, split), batched within each member."""
        return [
            batch
            for member in members
            for batch in _batched(member, [(member, *key) for key in product(self.datasets, SPLITS)], size)
        ]

    def learned_under(self, method: str, defence: str) -> str:
        """The defence under which `method` learns what it uses under `defence`.

        Where members are masked by leaving the weights, each defence has a merge of its own; a router is one
        for all.
        """
        return defence if self.learns(method) == "weights" else UNDEFENDED

    def ranking_batches(self) -> list[Batch]:
        """Cells (pool, dataset, split) whose answers a listwise judge compares, batched within each pool."""
        read = self.supervised_cells("verdicts")
        size = self.config["batch"]["supervise"]
        return [
            batch
            for pool in self.pools
            for batch in _batched(
                pool,
                [(pool, d, split) for d, split in product(self.datasets, SPLITS) if (pool, split) in read],
                size,
            )
        ]

    def learn_batches(self) -> list[Batch]:
        """Cells (pool, method, defence, dataset) of the methods that learn, batched within pool and method."""
        batches = []
        for pool, method in self._teams():
            if self.learns(method):
                under = {self.learned_under(method, d): None for d in self.pool_defences(pool, method)}
                cells = [(pool, method, *key) for key in product(under, self.datasets)]
                batches += _batched(f"{pool}.{method}", cells, self.config["batch"]["learn"])
        return batches

    def collaborate_batches(self) -> list[Batch]:
        """Cells (pool, method, defence, dataset), batched within pool and method."""
        return [
            batch
            for pool, method in self._teams()
            for batch in _batched(
                f"{pool}.{method}",
                [(pool, method, *key) for key in product(self.pool_defences(pool, method), self.datasets)],
                self.config["batch"]["collaborate"],
            )
        ]

    def run_batches(self, size: int) -> list[Batch]:
        """The cells of `runs`, batched within pool and method."""
        return [
            batch
            for pool, method in self._teams()
            for batch in _batched(
                f"{pool}.{method}", [c for c in self.runs() if c[:2] == (pool, method)], size
            )
        ]

    def _teams(self) -> list[tuple[str, str]]:
        """Every pool and method that go together."""
        return [team for team in product(self.pools, self.methods) if self.applicable(*team)]

    def learning_needs(self, method: str, defences: Iterable[str] = ()) -> set[str]:
        """What a method's learning reads besides dev scores, where the study has it.

        A subset of {texts, rewards, verdicts, lengths}: the method's own wishes, and at the weight level what the
        defences read, because there they decide before.
        """
        wanted = set(self.method_fact(method, "LEARNING_NEEDS", ()))
        if self.learns(method) == "weights":
            wanted |= self.needs(defences) - {"attackers"}
        return wanted if "reward" in self.supervised else wanted - {"rewards"}

    def cost_files(self) -> list[str]:
        """The sidecars of every job that runs a model."""
        batches = {
            "respond": self.member_batches(self.members, self.config["batch"]["respond"]),
            "rewards": self.supervise_batches("rewards"),
            "verdicts": self.supervise_batches("verdicts") if self.judges("pointwise") else [],
            "rankings": self.ranking_batches() if self.judges("listwise") else [],
            "learn": self.learn_batches(),
            "collaborate": self.collaborate_batches(),
        }
        jobs = [("train", model) for model in self.trained]
        jobs += [("extract_vector", attacker) for attacker in self.attackers if self.steered(attacker)]
        jobs += [(rule, batch.name) for rule, made in batches.items() for batch in made]
        return [self.paths.at(seed).cost(rule, job) for seed in self.seeds for rule, job in jobs]

    def needs(self, defences: Iterable[str]) -> set[str]:
        """What the given defences read: a subset of {texts, rewards, verdicts, attackers}."""
        kinds = [self.defence_kinds[defence] for defence in defences]
        return {need for kind in kinds for need in rooms.fact("defences", kind, "NEEDS", ())}

    def needs_at_test(self, method: str, defences: Iterable[str]) -> set[str]:
        """What the given defences read while `method` runs: nothing where they have decided before, on dev."""
        return set() if self.learns(method) == "weights" else self.needs(defences)

    @cached_property
    def supervised(self) -> list[str]:
        """The supervisors (`reward`, `judge`) that the study has a model for."""
        return [kind for kind in ("reward", "judge") if self.config["supervisors"].get(kind)]

    def judges(self, form: str) -> bool:
        """Whether the study has a judge that is asked in this form, `pointwise` or `listwise`."""
        return "judge" in self.supervised and self.config["supervisors"]["judge_form"] == form


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not None."""
    return {key: value for key, value in settings.items() if value is not None}


def _label(kind: str) -> str:
    """What a defence is called in paths and tables."""
    return Path(kind).stem if kind.endswith(".py") else kind


def _local(spec: Mapping[str, Any], folder: str | None) -> dict[str, Any]:
    """A dataset's config, its URL replaced by the file of that name in `folder`."""
    if not folder or "url" not in spec:
        return dict(spec)
    kept = {key: value for key, value in spec.items() if key != "url"}
    return {**kept, "path": f"{folder.rstrip('/')}/{spec['url'].rsplit('/', 1)[-1]}"}


def _batched(name: str, cells: list[tuple[str, ...]], size: int) -> list[Batch]:
    """Split `cells` into batches of at most `size` (0: one batch); single cells are named by their key."""
    if not cells:
        return []
    if not size or size >= len(cells) > 1:
        return [Batch(name, tuple(cells))]
    if size == 1:
        return [Batch(".".join(cell), (cell,)) for cell in cells]
    return [
        Batch(f"{name}.{start // size + 1}", tuple(cells[start : start + size]))
        for start in range(0, len(cells), size)
    ]
