"""What a schema cannot see in a config: names that mean nothing, settings a module does not have.

Every message is one line that names the place, what is wrong, and what would be right.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amongus.core.errors import StudyError
from amongus.study import plugins
from amongus.study.hub_references import check_reference

if TYPE_CHECKING:
    from amongus.study.study import Study

CLEAN, EMPTY, ALL = "clean", "empty", "all"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
NOT_SETTINGS = ("kind", "defences")
"""Keys of a method that are the study's and not its module's."""

_ANYWHERE = {"kind", "replaces", "placebo"}
_LEVELS = ("api", "text", "logit", "weight")
_LEARNS = ("adapter", "router", "weights", None)
_FIDELITIES = ("corrected", "published")
_TRAINS = ("adapter", "model", "vector", None)
_NEEDS = ("texts", "rewards", "verdicts", "attackers")
_SUPERVISORS = {"rewards": "reward", "verdicts": "judge"}


def check(study: "Study") -> None:
    """Check a study's names and settings.

    Raises:
        StudyError: at the first that is wrong.
    """
    for dataset in study.datasets:
        plugins.entry("datasets", study.dataset_kind(dataset))
        metric = study.metric(dataset)
        if metric not in plugins.available("scoring.metrics"):
            valid = ", ".join(plugins.available("scoring.metrics"))
            raise StudyError(f"dataset '{dataset}': its module's METRIC is {metric!r}; valid: {valid}")
    for name, spec in study.models.items():
        plugins.entry("models", spec["kind"])
        _settings(f"model '{name}'", "models", spec)
        if name in study.fetched:
            check_reference(f"model '{name}'", spec)
    for name, spec in study.attackers.items():
        plugins.entry("attackers", spec["kind"])
        _fact("attackers", spec["kind"], "TRAINS", _TRAINS)
        _settings(f"attacker '{name}'", "attackers", spec)
    _trainings(study)
    _reserved(study)
    _supervisors(study)
    _overlaps(study)
    _verified(study)
    _attackers(study)
    for pool in study.config["pools"]:
        _pool(study, pool)
    for method in study.methods:
        _method(study, method)
    for name, spec in study.data.items():
        if "repo" in spec:
            check_reference(f"data '{name}'", spec, data=True)
    for model, spec in study.trained.items():
        own = spec.get("accelerate")
        if own and not Path(own).is_file():
            raise StudyError(
                f"'{model}' accelerate: no file {own}; give a config of accelerate's, or leave it away"
            )
        if study.training_data(model):
            known(f"'{model}' data", study.training_data(model), study.data, "data")
    for model in (*study.fetched, *study.trained):
        for role, parent in study.parents(model).items():
            known(f"'{model}' {role}", parent, study.config["models"], "model")


def check_personas(study: "Study", personas: Collection[str]) -> None:
    """Check that every persona the config names is in the file of personas.

    Raises:
        StudyError: at the first that is not; the line lists the valid ones.
    """
    entries = [*study.attackers.items(), *study.config["members"].items()]
    for name, spec in entries:
        for key in ("persona", "trait", "opposite"):
            if spec.get(key):
                known(f"'{name}' {key}", spec[key], personas, "persona")


def check_prompts(names: Iterable[str], prompts: Mapping[str, Any], path: str) -> None:
    """Check that the templates `names` are in the file of prompts.

    Raises:
        StudyError: at the first that is not.
    """
    for name in names:
        if name not in prompts:
            method, step = name.split(".", 1)
            raise StudyError(
                f"{path}: no template '{step}' under '{method}'; add it, as in resources/prompts/toy.yaml"
            )


def known(where: str, name: str, valid: Collection[str], what: str) -> None:
    """Refuse a `name` that is not among the `valid` ones."""
    if name not in valid:
        raise StudyError(f"{where}: there is no {what} '{name}'; valid: {', '.join(dict.fromkeys(valid))}")


def _method(study: "Study", method: str) -> None:
    kind = study.method_kind(method)
    plugins.entry("methods", kind)
    _plain("method", method, "give its file as kind under a plain name")
    _fact("methods", kind, "LEVEL", _LEVELS)
    _fact("methods", kind, "LEARNS", _LEARNS, None)
    if (study.level(method) == "weight") != (study.learns(method) == "weights"):
        raise StudyError(
            f"{plugins.entry('methods', kind)}: a method of LEVEL 'weight', and no other, LEARNS 'weights'"
        )
    for defence in study.defences(method):
        plugins.entry("defences", study.defence_kinds[defence])
        _plain("defence", defence, "rename the file")
        for need in plugins.fact("defences", study.defence_kinds[defence], "NEEDS", ()):
            if need not in _NEEDS:
                raise StudyError(f"defence '{defence}': NEEDS holds '{need}'; valid: {', '.join(_NEEDS)}")
    valid = [*study.method_fact(method, "SETTINGS", {}), *NOT_SETTINGS]
    _unknown(f"method '{method}'", study.methods[method], valid)
    _fidelity(study, method)
    _models(study, method)
    for need in study.needs(study.defences(method)) & set(_SUPERVISORS):
        if _SUPERVISORS[need] not in study.supervised:
            raise StudyError(
                f"method '{method}': its defences need a model: set supervisors: {{{_SUPERVISORS[need]}: …}} in the config"
            )


def _models(study: "Study", method: str) -> None:
    """The models that a method's settings name are set, and there."""
    given = study.method_models(method)
    for setting in study.method_fact(method, "MODELS", ()):
        if setting in given:
            known(f"method '{method}' {setting}", given[setting], study.config["models"], "model")
        elif setting == "base":
            _no_base(study, method)
        else:
            valid = ", ".join(study.config["models"])
            raise StudyError(
                f"method '{method}' needs a model: set methods: {method}: {setting}; valid: {valid}"
            )


def _no_base(study: "Study", method: str) -> None:
    """A merge without a base, unless it follows the published code, whose base is the first member."""
    if study.settings(method).get("fidelity") == "published":
        return
    bases = study.adapter_bases
    found = f"adapters of several bases ({', '.join(bases)})" if bases else "no member with an adapter"
    raise StudyError(
        f"method '{method}': pool '{CLEAN}' has {found}, so no common base; "
        f"name the model they come from: set methods: {method}: base"
    )


def _plain(what: str, name: str, mend: str) -> None:
    """Names of methods and defences become names of folders."""
    if not _PLAIN.fullmatch(name):
        raise StudyError(f"{what} '{name}': letters, digits, - and _ only; {mend}")


def _fidelity(study: "Study", method: str) -> None:
    fidelity = study.settings(method).get("fidelity", _FIDELITIES[0])
    if fidelity not in _FIDELITIES:
        raise StudyError(
            f"method '{method}': fidelity is {fidelity!r}; valid: {', '.join(map(repr, _FIDELITIES))}"
        )


def _fact(room: str, name: str, constant: str, valid: Sequence[Any], default: Any = "nothing") -> None:
    """A constant of a module is one of the `valid` values; it must be set where `default` is none of them."""
    value = plugins.fact(room, name, constant, default)
    if value not in valid:
        raise StudyError(
            f"{plugins.entry(room, name)}: {constant} is {value!r}; valid: {', '.join(map(repr, valid))}"
        )


def _settings(where: str, room: str, spec: Mapping[str, Any]) -> None:
    """A module that lists its settings gets them all, and no others.

    `REQUIRED` must be there, `OPTIONAL` may.
    """
    required = plugins.fact(room, spec["kind"], "REQUIRED")
    if required is None:
        return
    valid = [*required, *plugins.fact(room, spec["kind"], "OPTIONAL", ())]
    _unknown(where, spec, [*valid, *_ANYWHERE])
    missing = [key for key in required if key not in spec]
    if missing:
        raise StudyError(f"{where}: kind '{spec['kind']}' needs {', '.join(missing)}")


def _unknown(where: str, given: Iterable[str], valid: Sequence[str]) -> None:
    for setting in given:
        if setting not in valid:
            raise StudyError(f"{where}: unknown setting '{setting}'; valid: {', '.join(sorted(valid))}")


def _trainings(study: "Study") -> None:
    """Resources are given by the names of trainings, and a process of its own for each GPU."""
    for name in study.config["resources"]["trainings"]:
        known("resources: trainings", name, study.trained, "training")


def _reserved(study: "Study") -> None:
    domains = {study.domain(dataset): dataset for dataset in study.datasets}
    for what, names in (("dataset", study.datasets), ("method", study.methods), ("domain", domains)):
        if ALL in names:
            raise StudyError(f"a {what} is called '{ALL}', which the tables keep for averages; rename it")
    for pool in study.config["pools"]:
        if pool == EMPTY or pool.startswith(f"{EMPTY}-"):
            raise StudyError(
                f"pool '{pool}': that name is kept for the controls, which come by themselves; rename it"
            )


def _supervisors(study: "Study") -> None:
    for kind in study.supervised:
        known(f"supervisors: {kind}", study.config["supervisors"][kind], study.config["models"], "model")


def _overlaps(study: "Study") -> None:
    """What the tables are told of models and attackers names models."""
    models = study.config["models"]
    for name, spec in models.items():
        for other in spec.get("related", ()):
            known(f"model '{name}' related", other, models, "model")
    for name, spec in study.config["attackers"].items():
        if "trained_against" in spec:
            known(f"attacker '{name}' trained_against", spec["trained_against"], models, "model")


def _verified(study: "Study") -> None:
    """Datasets scored by a verifier have references, and the study has a verifier: a whole checkpoint."""
    models, name = study.config["models"], study.config["supervisors"].get("verifier")
    if name:
        known("supervisors: verifier", name, models, "model")
        if plugins.fact("models", models[name]["kind"], "LORA", False):
            raise StudyError(f"supervisors: verifier: '{name}' is an adapter; name a model that stands alone")
    for dataset in study.verified:
        kind = study.dataset_kind(dataset)
        if not hasattr(plugins.module("datasets", kind), "reference"):
            raise StudyError(
                f"dataset '{dataset}': scored_by is verifier, but {plugins.entry('datasets', kind)} has no "
                "reference(item) to compare answers with; leave scored_by out"
            )
        if not name:
            raise StudyError(
                f"dataset '{dataset}': scored_by needs a model: set supervisors: {{verifier: …}} in the config"
            )


def _attackers(study: "Study") -> None:
    for attacker in study.attackers:
        known(
            f"attacker '{attacker}' replaces",
            study.replaced(attacker),
            study.config["pools"][CLEAN],
            "member",
        )
        if model := study.attackers_model(attacker):
            known(f"attacker '{attacker}' model", model, study.config["models"], "model")
        for dataset in study.extraction_datasets(attacker):
            known(f"attacker '{attacker}' datasets", dataset, study.datasets, "dataset")
        if attacker in study.config["models"]:
            raise StudyError(f"'{attacker}' names both a model and an attacker; rename one")


def _pool(study: "Study", pool: str) -> None:
    models = study.config["models"]
    if all(member in study.attackers for member in study.config["pools"][pool]):
        raise StudyError(f"pool '{pool}' holds attackers alone; give it at least one other member")
    for member in study.config["pools"][pool]:
        if member in study.attackers:
            if pool == CLEAN:
                raise StudyError(
                    f"pool 'clean' holds the attacker '{member}'; attacked pools need another name"
                )
            continue
        known(f"pool '{pool}'", member, [*study.config["members"], *models, *study.attackers], "member")
        known(f"member '{member}'", study.member_model(member), models, "model")
