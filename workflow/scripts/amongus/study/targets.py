"""What a study makes: every file on the way to its tables.

Targets must name them all: Snakemake leaves out what is missing in between when all after it is there, even where it has
itself removed it for a job that then failed.
"""

from collections.abc import Sequence
from itertools import product

from amongus.study.names import SPLITS
from amongus.study.study import Study


def supervision(study: Study) -> dict[str, list[tuple[str, str]]]:
    """Rule of a supervisor -> the (member or pool, split) of its jobs: pools where a judge compares their answers."""
    pools = {need: sorted(study.supervised_pools(need)) for need in ("rewards", "verdicts")}
    members = {
        need: list(dict.fromkeys((member, split) for pool, split in read for member in study.pools[pool]))
        for need, read in pools.items()
    }
    return {
        "rewards": members["rewards"],
        "verdicts": members["verdicts"] if study.judges("pointwise") else [],
        "rankings": pools["verdicts"] if study.judges("listwise") else [],
    }


def intermediate_targets(study: Study) -> list[str]:
    """Every file and folder on the way to the tables but merged checkpoints, which are temporary."""
    supervised = supervision(study)
    files: list[str] = []
    for paths in map(study.paths.at, study.seeds):
        files += [paths.questions(*one) for one in product(study.datasets, SPLITS)]
        files += [*map(paths.model, study.trained), *map(paths.member, study.members)]
        files += [paths.vectors(attacker) for attacker in study.attackers if study.trains(attacker) == "vector"]
        for answered in product(study.members, study.datasets, SPLITS):
            files += [paths.responses(*answered), paths.response_scores(*answered)]
        for rule, jobs in supervised.items():
            files += [getattr(paths, rule)(name, dataset, split) for name, split in jobs for dataset in study.datasets]
        for (pool, method), dataset in product(study.teams, study.datasets):
            places = [paths.run, paths.transcript, paths.run_scores, *([paths.router] if study.routes(method) else [])]
            files += [place(pool, method, dataset) for place in places]
    return [*files, *cost_files(study)]


def cost_files(study: Study) -> list[str]:
    """The sidecars of every job that runs a model."""
    members, teams = [(member,) for member in study.members], study.teams
    by_dataset: dict[str, Sequence[tuple[str, ...]]] = {
        "respond": members,
        "grade_responses": members if study.graded else [],
        "grade_runs": teams if study.graded else [],
        "train_router": [team for team in teams if study.routes(team[1])],
        "merge_weights": [team for team in teams if study.merges(team[1])],
        "collaborate": teams,
        **supervision(study),
    }
    jobs = [*product(["train"], study.trained), *product(["extract_vector"], study.extracted)]
    for rule, makers in by_dataset.items():
        datasets = study.graded if rule.startswith("grade_") else study.datasets
        parts = [(dataset,) for dataset in datasets] if study.config.jobs == "per_dataset" else [()]
        jobs += [(rule, ".".join(maker + part)) for maker, part in product(makers, parts)]
    return [study.paths.at(seed).cost(rule, job) for seed in study.seeds for rule, job in jobs]
