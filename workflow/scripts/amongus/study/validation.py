"""What the types of a config cannot say: names that must exist, names that are taken, parts that do not go together."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from amongus.core.errors import StudyError
from amongus.study import plugins
from amongus.study.names import ALL, CLEAN, EMPTY, NAME
from amongus.study.study import Study

Keys = tuple[str | int, ...]
"""Where something is in a config: the keys that lead there."""

_CONSTANTS = {
    ("attackers", "TRAINS"): ("adapter", "model", "vector", None),
    ("methods", "LEVEL"): ("api", "text", "logit", "weight"),
    ("methods", "LEARNS"): ("adapter", "router", "weights", None),
}
_NEEDS = ("texts", "rewards", "verdicts", "attackers")
_SUPERVISORS = {"rewards": "reward", "verdicts": "judge"}


class Fault(NamedTuple):
    """A mistake in a config: where, and what is wrong there."""

    keys: Keys
    what: str

    def __str__(self) -> str:
        return ": ".join([*map(str, self.keys), self.what])


def check(study: Study) -> list[Fault]:
    """All that is wrong with a study's names and their combinations; later checks rely on earlier ones."""
    steps = (_facts, _reserved, _references, _attackers, _pools, _trainings, _graded, _defences, _method_models)
    for step in steps:
        if faults := list(dict.fromkeys(step(study))):
            return faults
    return []


def check_personas(study: Study, personas: Collection[str]) -> None:
    """Check that every persona the config names is in the file of personas.

    Raises:
        StudyError: at the first that is not; the line lists the valid ones.
    """
    for section, entries in (("attackers", study.attackers), ("members", study.config.members)):
        for name, entry in entries.items():
            for key in ("persona", "trait", "opposite"):
                persona = getattr(entry, key, None)
                for fault in _known((section, name, key), persona, personas, "persona"):
                    raise StudyError(f"{fault} (in {study.config.personas})")


def check_prompts(names: Iterable[str], prompts: Mapping[str, Any], path: str) -> None:
    """Check that the templates `names` are in the file of prompts.

    Raises:
        StudyError: at the first that is not.
    """
    for name in names:
        if name not in prompts:
            method, step = name.split(".", 1)
            raise StudyError(f"{path}: no template '{step}' under '{method}'; add it, as in resources/prompts/toy.yaml")


def _known(keys: Keys, name: str | None, valid: Collection[str], what: str) -> Iterator[Fault]:
    """A fault if there is a `name` that is not among the `valid` ones."""
    if name is not None and name not in valid:
        yield Fault(keys, f"there is no {what} '{name}'{plugins.alternative(name, valid)}")


def _facts(study: Study) -> Iterator[Fault]:
    """The constants that rules read of modules."""
    for (section, constant), values in _CONSTANTS.items():
        for name, entry in getattr(study, section).items():
            value = plugins.fact(section, entry.kind, constant)
            if value not in values:
                allowed = ", ".join(map(repr, values))
                yield Fault((section, name, "kind"), f"{constant} of {entry.kind} is {value!r}; valid: {allowed}")
    for name, method in study.methods.items():
        if (study.level(name) == "weight") != study.merges(name):
            what = f"{method.kind}: a method of LEVEL 'weight', and no other, LEARNS 'weights'"
            yield Fault(("methods", name, "kind"), what)
    for name, dataset in study.datasets.items():
        metric, valid = study.metric(name), plugins.available("scoring.metrics")
        if metric not in valid:
            what = f"METRIC of {dataset.kind} is {metric!r}{plugins.alternative(metric, valid)}"
            yield Fault(("datasets", name), what)


def _reserved(study: Study) -> Iterator[Fault]:
    """Names that have a meaning of their own, and names that would be two things."""
    domains = {study.domain(dataset): dataset for dataset in study.datasets}
    if ALL in domains:
        yield Fault(("datasets", domains[ALL], "domain"), f"'{ALL}' is what the tables call averages; rename it")
    for section in ("datasets", "methods"):
        if ALL in getattr(study, section):
            yield Fault((section, ALL), "is what the tables call averages; rename it")
    for pool in study.config.pools:
        if pool == EMPTY or pool.startswith(f"{EMPTY}-"):
            yield Fault(("pools", pool), "is reserved for the automatically generated controls; rename it")
    for name in study.attackers:
        if name in study.models:
            yield Fault(("attackers", name), "there is a model of that name too; rename one")


def _references(study: Study) -> Iterator[Fault]:
    """Models that are named where no other check depends on them."""
    supervisors = study.config.supervisors
    named: list[tuple[Keys, str | None]] = [
        *((("supervisors", kind), getattr(supervisors, kind)) for kind in ("reward", "judge", "grader")),
        *((("models", name, "related"), other) for name, model in study.models.items() for other in model.related),
        *((("attackers", name, "trained_against"), one.trained_against) for name, one in study.attackers.items()),
    ]
    for name in (*study.models, *study.attackers):
        section, _ = study.plugin(name)
        named += [((section, name, role), parent) for role, parent in study.roles(name).items()]
    for keys, other in named:
        yield from _known(keys, other, study.models, "model")


def _attackers(study: Study) -> Iterator[Fault]:
    """What attackers are made from."""
    if CLEAN not in study.config.pools:
        yield Fault(("pools",), f"needs {CLEAN}: the pool without attackers")
        return
    for name in study.attackers:
        clean = study.config.pools[CLEAN]
        yield from _known(("attackers", name, "replaces"), study.replaced(name), clean, "member")
        named_by = plugins.fact("attackers", study.attackers[name].kind, "WEIGHTS", "model")
        yield from _known(("attackers", name, named_by), study.attackers_model(name), study.models, "model")
        for dataset in study.extraction_datasets(name):
            yield from _known(("attackers", name, "datasets"), dataset, study.datasets, "dataset")


def _pools(study: Study) -> Iterator[Fault]:
    """Members of teams, and the models behind them."""
    benign = [*study.config.members, *study.models]
    for name, entry in study.config.members.items():
        yield from _known(("members", name, "model"), entry.model or name, study.models, "model")
    for pool, members in study.config.pools.items():
        if all(member in study.attackers for member in members):
            yield Fault(("pools", pool), "all of its members are attackers; give it at least one other")
        for member in members:
            if member not in study.attackers:
                yield from _known(("pools", pool), member, [*benign, *study.attackers], "member")
            elif pool == CLEAN:
                yield Fault(("pools", pool), f"'{member}' is an attacker; attacked pools need another name")


def _trainings(study: Study) -> Iterator[Fault]:
    """What trainings name."""
    for name in study.config.resources.trainings:
        yield from _known(("resources", "trainings", name), name, study.trained, "training")
    for name in study.trained:
        section, _ = study.plugin(name)
        yield from _known((section, name, "data"), study.setting(name, "data"), study.data, "data")
        file = study.setting(name, "accelerate")
        if file and not Path(file).is_file():
            yield Fault((section, name, "accelerate"), f"no file {file}; give a config of accelerate's, or omit it")
    for name in study.attackers:
        trained = study.trains(name) == "adapter" and "adapter" not in study.weights(name)
        if trained and getattr(study.attackers[name], "rank", 0) is None:
            needed = "rank, alpha, dropout, targets"
            yield Fault(("attackers", name), f"the member that it replaces has no adapter; set {needed} of its own")


def _graded(study: Study) -> Iterator[Fault]:
    """Datasets scored by a grader have references, and the study has a grader: a whole checkpoint."""
    name = study.config.supervisors.grader
    if name and study.adapter(name):
        yield Fault(("supervisors", "grader"), f"'{name}' is an adapter; name a model that is a whole checkpoint")
    for dataset in study.graded:
        keys, kind = ("datasets", dataset, "scored_by"), study.datasets[dataset].kind
        if not hasattr(plugins.module("datasets", kind), "reference"):
            yield Fault(keys, f"'grader', but {kind} has no reference(item) to compare answers with; omit scored_by")
        elif not name:
            yield Fault(keys, "'grader' needs a model: set supervisors: {grader: …}")


def _defences(study: Study) -> Iterator[Fault]:
    """Defences exist, are called differently, and have the supervisor that they need."""
    kinds: dict[str, str] = {}
    for keys, kind in study.named_defences():
        label = study.defence_label(kind)
        try:
            plugins.entry("defences", kind)
        except StudyError as error:
            yield Fault(keys, str(error))
            continue
        if not re.fullmatch(NAME, label):
            yield Fault(keys, f"'{label}': letters, digits, - and _ only; rename the file")
        if kinds.setdefault(label, kind) != kind:
            yield Fault(keys, f"{kind} and {kinds[label]} would both be called '{label}'; rename one")
        for need in plugins.fact("defences", kind, "NEEDS", ()):
            if need not in _NEEDS:
                yield Fault(keys, f"NEEDS of {kind} holds '{need}'; valid: {', '.join(_NEEDS)}")
            supervisor = _SUPERVISORS.get(need)
            if supervisor and supervisor not in study.supervised:
                yield Fault(keys, f"'{label}' needs a model: set supervisors: {{{supervisor}: …}}")


def _method_models(study: Study) -> Iterator[Fault]:
    """The models that a method's settings name are set, and exist."""
    for method, entry in study.methods.items():
        named = study.method_models(method)
        for setting in study.method_fact(method, "MODELS", ()):
            keys: Keys = ("methods", method, setting)
            if setting in named:
                yield from _known(keys, named[setting], study.models, "model")
            elif setting != "base":
                yield Fault(keys, f"needs a model; valid: {', '.join(study.models)}")
            elif getattr(entry, "fidelity", None) != "published":
                # The published code takes the first member as the base.
                bases = study.adapter_bases
                found = f"adapters of several bases ({', '.join(bases)})" if bases else "no member with an adapter"
                yield Fault(keys, f"pool '{CLEAN}' has {found}, so no common base; name the model that they come from")
