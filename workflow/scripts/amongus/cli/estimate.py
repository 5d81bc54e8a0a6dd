"""What a study will take, told from its config alone: jobs, model loads, prompts, tokens, hours, disk.

Nothing is fetched, trained or read but the config and the modules' constants and `asks`. Jobs are exact: what a dry run
of the target `all` shows where nothing has been made. Prompts are what is asked for; the store and equal prompts make
fewer of them reach a model, how many cannot be known before.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from amongus.cli.sizes import checkpoints, gigabytes, merges
from amongus.core.gpus import gpus_per_job
from amongus.study import plugins
from amongus.study.parts import UNDEFENDED
from amongus.study.study import FIGURES, SPLITS, TABLES, Batch, Study
from amongus.team.request_counts import Ask, Asks

_BYTES_PER_TOKEN = 4
_COPIES = 2
"""A text lies in the results and in the store."""


@dataclass(frozen=True)
class Row:
    """One rule's share in the plan, or one method's in a rule.

    `ask` is None where no model is asked. `at_most`: a defence may leave somebody out, which asks less. `unknown`: there
    is more, by a method that does not say.
    """

    name: str
    jobs: int
    loads: int = 0
    ask: Ask | None = None
    at_most: bool = False
    unknown: bool = False


@dataclass(frozen=True)
class Training:
    """Jobs of a rule that trains, and what each may use: GPUs, and minutes of a job."""

    rule: str
    names: tuple[str, ...]
    jobs: int
    gpus: int
    minutes: int


@dataclass(frozen=True)
class Plan:
    """`rules` in the order data flows, `methods` by rule, `disk` in GB by what lies there, `notes` a line each."""

    rules: tuple[Row, ...]
    methods: Mapping[str, tuple[Row, ...]]
    trainings: tuple[Training, ...]
    disk: Mapping[str, float]
    notes: tuple[str, ...]

    @property
    def jobs(self) -> dict[str, int]:
        """Jobs by rule."""
        return {row.name: row.jobs for row in self.rules}

    @property
    def total(self) -> Row:
        """All rules as one row."""
        return gathered("total", self.rules)


def plan(study: Study) -> Plan:
    """The plan of a study."""
    methods = {"learn": _learning(study), "collaborate": _collaborations(study)}
    return Plan(
        rules=tuple(row for row in _rules(study, methods) if row.jobs),
        methods=methods,
        trainings=tuple(_trainings(study)),
        disk=_disk(study, methods),
        notes=tuple(_notes(study, methods)),
    )


# -- jobs ----------------------------------------------------------------------------------------------


def _rules(study: Study, methods: Mapping[str, tuple[Row, ...]]) -> list[Row]:
    """Every rule that makes something for the target `all`, in the order data flows: a new rule has its row here."""
    seeds = len(study.seeds)
    responses = study.member_batches(study.members, study.config["batch"]["respond"])
    scored, verified = (study.scored_responses(by_verifier) for by_verifier in (False, True))
    return [
        Row("dataset", len(study.datasets)),
        Row("training_data", len({spec["data"] for spec in study.trained.values() if spec.get("data")})),
        Row("fetch", len(fetched(study))),
        Row("adopt", seeds * len(fetched(study))),
        Row("train", seeds * len(study.trained), seeds * _parents(study, study.trained)),
        Row("extract_vector", seeds * len(study.extracted), seeds * _parents(study, study.extracted)),
        Row("published_vector", seeds * sum(study.published(name) is not None for name in study.attackers)),
        Row("member", seeds * len(study.members)),
        _supervision(study, "respond", responses, Ask(texts=1)),
        Row("score_responses", seeds * len(scored)),
        _supervision(study, "verify_responses", verified, Ask(texts=1, shown=1)),
        _supervision(study, "rewards", study.supervise_batches("rewards"), Ask(labels=1, shown=1)),
        _supervision(study, "verdicts", _verdict_batches(study), Ask(labels=1, shown=1)),
        _rankings(study),
        gathered("learn", methods["learn"]),
        gathered("collaborate", methods["collaborate"]),
        Row("score_runs", seeds * len(study.scored_runs(by_verifier=False))),
        _verified_runs(study),
        *(Row(table, 1) for table in (*TABLES, "paper", "cost")),
        *(Row(f"{figure}_figure", 1) for figure in FIGURES),
        Row("all", 1),
    ]


def fetched(study: Study) -> list[str]:
    """The models that are not trained here but fetched from a hub, those that something is made of or asked of."""
    used = {model for member in study.members for model in study.member_weights(member)}
    for name in (*study.trained, *study.extracted):
        used.update(study.parents(name).values())
    for method in study.methods:
        used.update(study.method_models(method).values())
    for kind, batches in (
        ("reward", study.supervise_batches("rewards")),
        ("judge", _verdict_batches(study) or _ranking_batches(study)),
    ):
        if batches:
            used.add(study.config["supervisors"][kind])
    if study.verified:
        used.add(study.config["supervisors"]["verifier"])
    return [name for name in study.fetched if name in used]


def _parents(study: Study, names: Iterable[str]) -> int:
    """The checkpoints that trainings begin with."""
    return sum(len(study.parents(name)) for name in names)


def _verdict_batches(study: Study) -> list[Batch]:
    return study.supervise_batches("verdicts") if study.judges("pointwise") else []


def _ranking_batches(study: Study) -> list[Batch]:
    return study.ranking_batches() if study.judges("listwise") else []


def _supervision(study: Study, rule: str, batches: list[Batch], each: Ask) -> Row:
    """A rule that loads one model a job and asks it `each` for every question of its cells."""
    cells = [cell for batch in batches for cell in batch.cells]
    asked = sum(questions(study, dataset, split) or 0 for _, dataset, split in cells)
    jobs = len(study.seeds) * len(batches)
    return Row(rule, jobs, jobs, each.times(len(study.seeds) * asked))


def _verified_runs(study: Study) -> Row:
    """The verifier sees each answer of a team."""
    batches = study.scored_runs(by_verifier=True)
    asked = sum(questions(study, cell[3], "test") or 0 for batch in batches for cell in batch.cells)
    jobs = len(study.seeds) * len(batches)
    return Row("verify_runs", jobs, jobs, Ask(texts=1, shown=1).times(len(study.seeds) * asked))


def _rankings(study: Study) -> Row:
    """The listwise judge sees a pool's answers, in several orders."""
    batches = _ranking_batches(study)
    orders = study.config["supervisors"]["judge_orders"]
    asked = Ask()
    for pool, dataset, split in (cell for batch in batches for cell in batch.cells):
        each = Ask(labels=orders, shown=orders * len(study.pools[pool]))
        asked += each.times(questions(study, dataset, split) or 0)
    jobs = len(study.seeds) * len(batches)
    return Row("rankings", jobs, jobs, asked.times(len(study.seeds)))


def gathered(name: str, rows: Iterable[Row]) -> Row:
    """Rows as one."""
    rows = list(rows)
    asked = sum((row.ask for row in rows if row.ask), Ask())
    return Row(
        name,
        sum(row.jobs for row in rows),
        sum(row.loads for row in rows),
        asked,
        any(row.at_most for row in rows),
        any(row.unknown for row in rows),
    )


# -- methods -------------------------------------------------------------------------------------------


def asks(study: Study, method: str) -> Callable[[int], Asks] | None:
    """What `method` asks as a function of its team's size; None where its module does not say."""
    says = getattr(plugins.module("methods", study.method_kind(method)), "asks", None)
    settings = study.settings(method)
    return (lambda members: says(members, settings)) if inspect.isfunction(says) else None


def _collaborations(study: Study) -> tuple[Row, ...]:
    """What teams ask on test, by method."""
    return _by_method(study, study.collaborate_batches(), "test", _collaboration_loads)


def _learning(study: Study) -> tuple[Row, ...]:
    """What methods ask on dev while they learn."""
    return _by_method(study, study.learn_batches(), "dev", _learning_loads)


def _by_method(
    study: Study, batches: Iterable[Batch], split: str, loads: Callable[[Study, Batch, Asks], int]
) -> tuple[Row, ...]:
    seeds, own = len(study.seeds), list(batches)
    rows = []
    for method in study.methods:
        mine = [batch for batch in own if batch.cells[0][1] == method]
        says = asks(study, method)
        if not mine:
            continue
        if says is None:
            rows.append(Row(method, seeds * len(mine), unknown=True))
            continue
        asked, loaded, at_most = Ask(), 0, False
        for batch in mine:
            members = len(study.pools[batch.cells[0][0]])
            team = says(members)
            # A masked member leaves; where that changes nothing, the figure is exact.
            same = getattr(team, split) == getattr(says(members - 1), split)
            at_most |= not same and any(defence != UNDEFENDED for _, _, defence, _ in batch.cells)
            counted = sum(questions(study, dataset, split) or 0 for *_, dataset in batch.cells)
            asked += getattr(team, split).times(counted)
            loaded += loads(study, batch, team)
        rows.append(Row(method, seeds * len(mine), seeds * loaded, asked.times(seeds), at_most))
    return tuple(rows)


def _collaboration_loads(study: Study, batch: Batch, team: Asks) -> int:
    """Checkpoints that one job reads: its pool's, or what the method has learned to use in their stead."""
    pool, method = batch.cells[0][:2]
    named = len(study.method_models(method))
    if study.learns(method) == "weights":
        return merges(study, batch)
    if study.learns(method):
        return named or 1
    bases = {study.member_weights(member)[0] for member in study.pools[pool]} if team.test.prompts else ()
    return len(bases) + named


def _learning_loads(study: Study, batch: Batch, team: Asks) -> int:
    """Checkpoints that one job reads: an adapter's base for each cell, a router's once, each merge that is tried."""
    learns = study.learns(batch.cells[0][1])
    read = {"adapter": len(batch.cells), "router": 1}.get(learns or "", 0)
    return read + team.dev.texts * merges(study, batch)


# -- questions, trainings, disk, notes -----------------------------------------------------------------


def questions(study: Study, dataset: str, split: str) -> int | None:
    """How many questions the config asks for; None where it leaves that to the source."""
    return study.datasets[dataset].get(split)


def _trainings(study: Study) -> Iterable[Training]:
    """What is trained, gathered by what it may use; routers are trained by the rule `learn`."""
    seeds = len(study.seeds)
    asked: dict[tuple[str, int, int], list[str]] = {}
    names = [("train", name) for name in study.trained]
    names += [("extract_vector", name) for name in study.extracted]
    for rule, name in names:
        asked.setdefault((rule, *_allowance(study, name)), []).append(name)
    for (rule, gpus, minutes), made in asked.items():
        yield Training(rule, tuple(made), seeds * len(made), gpus, minutes)
    for method in study.methods:
        if study.learns(method) in ("adapter", "router"):
            jobs = seeds * sum(batch.cells[0][1] == method for batch in study.learn_batches())
            yield Training("learn", (method,), jobs, *_allowance(study, ""))


def _allowance(study: Study, name: str) -> tuple[int, int]:
    """GPUs and minutes of a training: its own, or what all jobs ask for."""
    own = study.config["resources"].get("trainings", {}).get(name, {})
    gpus = own.get("gpu", gpus_per_job(study.config))
    return gpus, own.get("runtime", study.config["resources"]["runtime"])


def _disk(study: Study, methods: Mapping[str, tuple[Row, ...]]) -> dict[str, float]:
    """GB by what lies there once all is made, and what trainings and the merges of one job take while they run."""
    expected, seeds = study.config["plan"], len(study.seeds)
    remote = fetched(study)
    written = sum(row.ask.written for rows in methods.values() for row in rows if row.ask)
    written += sum(
        seeds * len(study.members) * (questions(study, dataset, split) or 0)
        for dataset in study.datasets
        for split in SPLITS
    )
    together = [merges(study, batch) for batch in (*study.learn_batches(), *study.collaborate_batches())]
    return {
        "fetched": sum(gigabytes(study, name) for name in remote),
        "trained": seeds * sum(gigabytes(study, name) for name in study.trained),
        "checkpoints": seeds * sum(checkpoints(study, name) for name in study.trained),
        "merged": max(together, default=0) * expected["model_gigabytes"],
        "texts": _COPIES * written * new_tokens(study) * _BYTES_PER_TOKEN / 1e9,
    }


def new_tokens(study: Study) -> int:
    """Tokens that a new text is expected to have."""
    return ceil(study.config["sampling"]["max_new_tokens"] * study.config["plan"]["answer_share"])


def prompt_tokens(study: Study, ask: Ask) -> int:
    """Tokens that models read: a question in each prompt, and the earlier texts it shows."""
    return ask.read * study.config["plan"]["question_tokens"] + ask.shown * new_tokens(study)


def hours(study: Study, row: Row) -> float:
    """Hours of a row's jobs one after the other, times the GPUs that each holds."""
    expected, ask = study.config["plan"], row.ask or Ask()
    seconds = (
        row.loads * expected["load_seconds"]
        + ask.decoded * new_tokens(study) / expected["new_tokens_per_second"]
        + prompt_tokens(study, ask) / expected["prompt_tokens_per_second"]
    )
    return max(1, gpus_per_job(study.config)) * seconds / 3600


def _notes(study: Study, methods: Mapping[str, tuple[Row, ...]]) -> Iterable[str]:
    """What the plan could not count."""
    for dataset in study.datasets:
        open_splits = [split for split in SPLITS if questions(study, dataset, split) is None]
        if open_splits:
            yield (
                f"dataset {dataset}: the config does not say how many {' and '.join(open_splits)} questions "
                "(all of the source); they are not counted: set " + ", ".join(open_splits)
            )
    waiting = sum(merges(study, batch) for batch in study.learn_batches()) * len(study.seeds)
    if waiting:
        size = waiting * study.config["plan"]["model_gigabytes"]
        yield (
            f"merged checkpoints are removed once their team has answered; were all made before any answers, {waiting} "
            f"of them would lie there, {size:,.2f} GB"
        )
    going_on = [name for name in study.trained if checkpoints(study, name)]
    if going_on:
        yield (
            f"checkpoints of trainings ({', '.join(going_on)}), removed when they end: two and the one being written, each "
            "the trained weights (twice with an accelerate config) and Adam's two moments, in float32, as if all ran at once"
        )
    if study.verified:
        most = study.config["supervisors"]["verifier_tokens"]
        yield f"a verifier writes up to {most} tokens about an answer; they are counted as an answer's"
    silent = dict.fromkeys(row.name for rows in methods.values() for row in rows if row.unknown)
    for method in silent:
        yield (
            f"method {method}: what it asks is unknown, its file has no asks(members, settings) "
            "(as in amongus/methods/debate.py)"
        )
