"""`make plan`: how many prompts a study sends to its models, and the disk space it needs, from its config alone.

Both are upper bounds: prompts that were answered before are not sent again, and a defence that leaves a member out saves
some. `snakemake -n` lists the jobs.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from itertools import product

from tabulate import tabulate

from amongus.core.errors import run_command
from amongus.study import plugins
from amongus.study.loading import read_study
from amongus.study.names import SPLITS
from amongus.study.study import Study
from amongus.study.targets import supervision

_BYTES_PER_TOKEN = 4
# A text is stored in the results and in the answer cache.
_COPIES = 2
# Of a training with `checkpoint_every`: one is kept while the next is written.
_CHECKPOINTS = 2
# A checkpoint holds what is trained, in float32, and Adam's two moments.
_STATES = 3

Prompts = dict[str, Counter[str] | None]
"""Step -> split -> prompts; None where it is unknown."""


def prompts(study: Study) -> Prompts:
    """Prompts of all seeds, for each step that queries models; one that several models answer together counts once.

    A method's come from its module's `request_counts(members, settings)`: per question of each split.
    """
    supervised, orders = supervision(study), study.config.supervisors.judge_orders
    members = [(split, 1) for _, split in product(study.members, SPLITS)]
    verdicts = [(split, 1) for _, split in supervised["verdicts"]]
    rankings = [(split, orders) for _, split in supervised["rankings"]]
    teams = [("test", len(study.pool_defences(*team))) for team in study.teams]
    rows: Prompts = {
        "members": _times(study, members),
        "reward model": _times(study, ((split, 1) for _, split in supervised["rewards"])),
        "judge": _times(study, [*verdicts, *rankings]),
        **{method: _method(study, method) for method in study.methods},
        "grader": _times(study, [*members, *teams], study.graded),
    }
    return {step: counts for step, counts in rows.items() if counts is None or counts.total()}


def _teams(study: Study, method: str) -> list[tuple[int, list[str]]]:
    """For each pool that `method` is run on: how many members, and under which defences."""
    pools = [pool for pool, other in study.teams if other == method]
    return [(len(study.pools[pool]), study.pool_defences(pool, method)) for pool in pools]


def _method(study: Study, method: str) -> Counter[str] | None:
    request_counts = getattr(plugins.module("methods", study.methods[method].kind), "request_counts", None)
    if not request_counts:
        return None
    counts = []
    for members, defences in _teams(study, method):
        each = request_counts(members, study.methods[method])
        learned = len(defences) if study.merges(method) else bool(study.routes(method))
        counts += [("test", len(defences) * each.get("test", 0)), ("dev", learned * each.get("dev", 0))]
    return _times(study, counts)


def _times(study: Study, counts: Iterable[tuple[str, int]], datasets: Iterable[str] | None = None) -> Counter[str]:
    """Prompts by split, where each pair of `counts` is a split and the prompts per question of it."""
    total: Counter[str] = Counter()
    for (split, number), dataset in product(counts, study.datasets if datasets is None else datasets):
        total[split] += len(study.seeds) * number * (getattr(study.datasets[dataset], split) or 0)
    return total


def disk(study: Study) -> dict[str, float]:
    """GB by what is stored; in the end, or while trainings and one team's merges are under way."""
    seeds = len(study.seeds)
    texts = sum(counts.total() for counts in prompts(study).values() if counts)
    tokens = texts * study.config.sampling.max_new_tokens
    return {
        "downloaded models": sum(gigabytes(study, name) for name in study.fetched),
        "trained models": seeds * sum(gigabytes(study, name) for name in study.trained),
        "checkpoints of running trainings": seeds * sum(_checkpoints(study, name) for name in study.trained),
        "merged models of one team": study.config.plan.model_gigabytes * max(_merges(study, m) for m in study.methods),
        "texts": _COPIES * _BYTES_PER_TOKEN * tokens / 1e9,
    }


def gigabytes(study: Study, name: str) -> float:
    """The size of a model's files: its own `gigabytes`, else what the config's `plan` says of its kind.

    Full fine-tuning keeps its base's weights in float32, twice the size of half precision.
    """
    expected = study.config.plan
    if size := study.setting(name, "gigabytes"):
        return size
    if name not in study.attackers:
        adapter = study.adapter(name)
    elif study.trains(name) == "model":
        wider = 1 if study.config.engine.dtype == "float32" else 2
        return wider * gigabytes(study, study.parents(name)["base"])
    else:
        adapter = True
    return expected.adapter_gigabytes if adapter else expected.model_gigabytes


def _checkpoints(study: Study, name: str) -> float:
    """GB of a training's checkpoints while it runs; they are removed when it ends."""
    if not study.setting(name, "checkpoint_every"):
        return 0
    # FSDP has the weights written by accelerate and, gathered, by transformers.
    states = _STATES + bool(study.setting(name, "accelerate"))
    return _CHECKPOINTS * states * gigabytes(study, name)


def _merges(study: Study, method: str) -> int:
    """Merged models of the method's team that has most: defences that leave out the same member share one."""
    if not study.merges(method):
        return 0
    datasets = len(study.datasets) if study.method_fact(method, "PER_DATASET", True) else 1
    return datasets * max((min(len(defences), members + 1) for members, defences in _teams(study, method)), default=0)


def text(study: Study) -> str:
    """Prompts and disk as two tables, and what the figures leave out."""
    sizes = {part: size for part, size in disk(study).items() if size}
    stored = [(part, f"{size:,.2f}") for part, size in sizes.items()]
    blocks = [
        f"Study {study.name}: {len(study.seeds)} seed(s), {len(study.datasets)} datasets, {len(study.members)} members, "
        f"{len(study.pools)} pools, {len(study.methods)} methods",
        _table(["prompts, at most", *SPLITS, "total"], _prompt_rows(prompts(study))),
        _table(["disk, at most", "GB"], [*stored, ("total", f"{sum(sizes.values()):,.2f}")]),
    ]
    splits = product(study.datasets, SPLITS)
    if unsized := [f"{name} {split}" for name, split in splits if not getattr(study.datasets[name], split)]:
        blocks.append(f"Not counted, because the config does not say how many questions: {', '.join(unsized)}.")
    return "\n\n".join(blocks)


def _prompt_rows(counted: Prompts) -> list[tuple[str, ...]]:
    total = sum((counts for counts in counted.values() if counts), Counter())
    rows = []
    for step, counts in {**counted, "total": total}.items():
        figures = ["?"] * 3 if counts is None else [f"{n:,}" for n in (*(counts[s] for s in SPLITS), counts.total())]
        rows.append((step, *figures))
    return rows


def _table(head: list[str], rows: Iterable[Iterable[str]]) -> str:
    aligned = ["left", *["right"] * (len(head) - 1)]
    return tabulate(rows, head, tablefmt="plain", colalign=aligned, disable_numparse=True)


def main() -> int:
    """Print the plan of a study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="+", default=["config/demo.yaml"], help="the study's files")
    print(text(read_study(parser.parse_args().config)))
    return 0


if __name__ == "__main__":
    run_command(main)
