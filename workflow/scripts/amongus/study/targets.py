"""What a study makes: every file on the way to its tables.

Targets must name them all: Snakemake leaves out what is missing in between when all after it is there, even where it has
itself removed it for a job that then failed.
"""

from itertools import product

from amongus.study.names import SPLITS
from amongus.study.paths import Paths
from amongus.study.study import Study


def supervision(study: Study) -> dict[str, list[tuple[str, str]]]:
    """Rule of a supervisor -> the (member or pool, split) of its jobs: pools where a judge compares their answers."""
    verdicts = sorted(study.supervised_pools("verdicts"))
    return {
        "rewards": _by_member(study, sorted(study.supervised_pools("rewards"))),
        "verdicts": _by_member(study, verdicts) if study.judges("pointwise") else [],
        "rankings": verdicts if study.judges("listwise") else [],
    }


def _by_member(study: Study, read: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((member, split) for pool, split in read for member in study.pools[pool]))


def intermediate_targets(study: Study) -> list[str]:
    """Every file and folder on the way to the tables but merged checkpoints, which are temporary."""
    files = [study.paths.questions(*one) for one in product(study.datasets, SPLITS)]
    for paths in map(study.paths.at, study.seeds):
        files += _of_members(study, paths) + _of_teams(study, paths)
    return [*files, *cost_files(study)]


def _of_members(study: Study, paths: Paths) -> list[str]:
    answered = list(product(study.members, study.datasets, SPLITS))
    files = [*map(paths.model, study.trained), *map(paths.member, study.members)]
    files += [paths.vectors(attacker) for attacker in study.attackers if study.trains(attacker) == "vector"]
    files += [place(*one) for place in (paths.responses, paths.response_scores) for one in answered]
    for rule, jobs in supervision(study).items():
        files += [getattr(paths, rule)(name, dataset, split) for name, split in jobs for dataset in study.datasets]
    return files


def _of_teams(study: Study, paths: Paths) -> list[str]:
    places = {team: [paths.run, paths.transcript, paths.run_scores] for team in study.teams}
    for team in places:
        places[team] += [paths.router] if study.routes(team[1]) else []
    return [place(*team, dataset) for team in places for place in places[team] for dataset in study.datasets]


def cost_files(study: Study) -> list[str]:
    """The sidecars of every job that runs a model."""
    whole = {"train": list(study.trained), "extract_vector": study.extracted}
    graded = bool(study.graded)
    by_dataset = {
        "respond": study.members,
        "grade_responses": study.members if graded else [],
        "grade_runs": [".".join(team) for team in study.teams] if graded else [],
        "train_router": [".".join(team) for team in study.teams if study.routes(team[1])],
        "merge_weights": [".".join(team) for team in study.teams if study.merges(team[1])],
        "collaborate": [".".join(team) for team in study.teams],
        **{rule: [".".join(job) for job in jobs] for rule, jobs in supervision(study).items()},
    }
    jobs = [(rule, name) for rule, names in whole.items() for name in names]
    for rule, names in by_dataset.items():
        datasets = study.graded if rule.startswith("grade_") else study.datasets
        parts = [f".{dataset}" for dataset in datasets] if study.config.jobs == "per_dataset" else [""]
        jobs += [(rule, f"{name}{part}") for name, part in product(names, parts)]
    return [study.paths.at(seed).cost(rule, job) for seed in study.seeds for rule, job in jobs]
