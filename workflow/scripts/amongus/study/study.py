"""A study: its config, checked and unfolded into cells and batches of work."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from amongus.study import plugins
from amongus.study.names import FIGURES as FIGURES
from amongus.study.names import SPLITS, UNDEFENDED
from amongus.study.names import TABLES as TABLES
from amongus.study.parts import Parts


@dataclass(frozen=True)
class Batch:
    """Cells that one job makes: `name` tells batches of a rule apart, `cells` are its keys in order."""

    name: str
    cells: tuple[tuple[str, ...], ...]


class Study(Parts):
    """A config, and everything that is run for it (`loading.load_study` checks it)."""

    def applicable(self, pool: str, method: str) -> bool:
        """Weights can be merged only where every member's difference lies in its weights."""
        if self.level(method) != "weight":
            return True
        members = self.pools[pool]
        attackers = [member for member in members if member in self.attackers]
        personas = {self.persona(member) for member in members}
        return len(personas) == 1 and all(map(self.in_weights, attackers))

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

    def member_batches(
        self,
        names: Iterable[str],
        size: int,
        read: Collection[tuple[str, str]] | None = None,
        datasets: Collection[str] | None = None,
    ) -> list[Batch]:
        """Cells (name, dataset, split), batched within each name, of a member or pool.

        Args:
            names: of members, or of pools.
            size: cells of a batch at most, 0 for all of a name.
            read: the names and splits that are wanted; None for all.
            datasets: those that are wanted, in order; None for all.
        """
        return [
            batch
            for name in names
            for batch in _batched(
                name,
                [
                    (name, dataset, split)
                    for dataset, split in product(self.datasets if datasets is None else datasets, SPLITS)
                    if read is None or (name, split) in read
                ],
                size,
            )
        ]

    def supervise_batches(self, need: str) -> list[Batch]:
        """Cells (member, dataset, split) whose answers the supervisor behind `need` sees one by one."""
        read = {(m, split) for pool, split in self.supervised_cells(need) for m in self.pools[pool]}
        return self.member_batches(self.members, self.config.batch.supervise, read)

    def ranking_batches(self) -> list[Batch]:
        """Cells (pool, dataset, split) whose answers a listwise judge compares, batched within each pool."""
        read = self.supervised_cells("verdicts")
        return self.member_batches(self.pools, self.config.batch.supervise, read)

    def learned_under(self, method: str, defence: str) -> str:
        """The defence under which `method` learns what it uses under `defence`.

        Where members are masked by leaving the weights, each defence has a merge of its own; a router is one
        for all.
        """
        return defence if self.learns(method) == "weights" else UNDEFENDED

    def learn_batches(self) -> list[Batch]:
        """Cells (pool, method, defence, dataset) of the methods that learn, batched within pool and method."""
        batches = []
        for pool, method in self._teams():
            if self.learns(method):
                under = {self.learned_under(method, d): None for d in self.pool_defences(pool, method)}
                cells = [(pool, method, *key) for key in product(under, self.datasets)]
                batches += _batched(f"{pool}.{method}", cells, self.config.batch.learn)
        return batches

    def collaborate_batches(self) -> list[Batch]:
        """Cells (pool, method, defence, dataset), batched within pool and method."""
        return [
            batch
            for pool, method in self._teams()
            for batch in _batched(
                f"{pool}.{method}",
                [(pool, method, *key) for key in product(self.pool_defences(pool, method), self.datasets)],
                self.config.batch.collaborate,
            )
        ]

    def scored_responses(self, by_verifier: bool) -> list[Batch]:
        """Cells (member, dataset, split) whose answers a verifier scores, or else their dataset's metric."""
        datasets = self._scored(by_verifier)
        return self.member_batches(self.members, self.config.batch.score, datasets=datasets)

    def scored_runs(self, by_verifier: bool) -> list[Batch]:
        """The cells of `runs` that a verifier scores, or else their dataset's metric, batched within teams."""
        cells, datasets = defaultdict(list), self._scored(by_verifier)
        for cell in self.runs():
            if cell[3] in datasets:
                cells[cell[:2]].append(cell)
        size = self.config.batch.score
        return [batch for team, own in cells.items() for batch in _batched(".".join(team), own, size)]

    def _scored(self, by_verifier: bool) -> list[str]:
        return [dataset for dataset in self.datasets if (dataset in self.verified) == by_verifier]

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
            "respond": self.member_batches(self.members, self.config.batch.respond),
            "rewards": self.supervise_batches("rewards"),
            "verdicts": self.supervise_batches("verdicts") if self.judges("pointwise") else [],
            "rankings": self.ranking_batches() if self.judges("listwise") else [],
            "verify_responses": self.scored_responses(by_verifier=True),
            "verify_runs": self.scored_runs(by_verifier=True),
            "learn": self.learn_batches(),
            "collaborate": self.collaborate_batches(),
        }
        jobs = [("train", model) for model in self.trained]
        jobs += [("extract_vector", attacker) for attacker in self.extracted]
        jobs += [(rule, batch.name) for rule, made in batches.items() for batch in made]
        return [self.paths.at(seed).cost(rule, job) for seed in self.seeds for rule, job in jobs]

    def kept_files(self) -> list[str]:
        """Every file and folder on the way to the tables but merged checkpoints, which are temporary.

        Targets must name them all: Snakemake leaves out what is missing in between when all after it is there, even
        where it has itself removed it for a job that then failed.
        """
        read = {
            "rewards": self.supervise_batches("rewards"),
            "verdicts": self.supervise_batches("verdicts") if self.judges("pointwise") else [],
            "rankings": self.ranking_batches() if self.judges("listwise") else [],
        }
        answered = list(product(self.members, self.datasets, SPLITS))
        files = [self.paths.questions(*cell) for cell in product(self.datasets, SPLITS)]
        for paths in map(self.paths.at, self.seeds):
            files += map(paths.model, self.trained)
            files += [paths.vectors(attacker) for attacker in self.attackers if self.steered(attacker)]
            files += map(paths.member, self.members)
            for place in (paths.responses, paths.response_scores):
                files += [place(*cell) for cell in answered]
            for name, batches in read.items():
                files += [getattr(paths, name)(*cell) for batch in batches for cell in batch.cells]
            routers = [b for b in self.learn_batches() if self.learns(b.cells[0][1]) != "weights"]
            files += [paths.learned(*cell) for batch in routers for cell in batch.cells]
            for place in (paths.run, paths.transcript, paths.run_scores):
                files += [place(*cell) for cell in self.runs()]
        return [*files, *self.cost_files()]

    def needs(self, defences: Iterable[str]) -> set[str]:
        """What the given defences read: a subset of {texts, rewards, verdicts, attackers}."""
        kinds = [self.defence_kinds[defence] for defence in defences]
        return {need for kind in kinds for need in plugins.fact("defences", kind, "NEEDS", ())}

    def needs_at_test(self, method: str, defences: Iterable[str]) -> set[str]:
        """What the given defences read while `method` runs: nothing where they have decided before, on dev."""
        return set() if self.learns(method) == "weights" else self.needs(defences)

    @cached_property
    def supervised(self) -> list[str]:
        """The supervisors (`reward`, `judge`) that the study has a model for."""
        return [kind for kind in ("reward", "judge") if getattr(self.config.supervisors, kind)]

    def judges(self, form: str) -> bool:
        """Whether the study has a judge that is asked in this form, `pointwise` or `listwise`."""
        return "judge" in self.supervised and self.config.supervisors.judge_form == form


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
