"""A study: its config, and the teams it runs."""

from collections.abc import Iterable
from functools import cached_property
from itertools import product

from amongus.study import plugins
from amongus.study.names import UNDEFENDED
from amongus.study.parts import Parts


class Study(Parts):
    """A config, and everything that is run for it (`loading.load_study` checks it)."""

    def applicable(self, pool: str, method: str) -> bool:
        """Weights can be merged only where every member's difference is in its weights."""
        if self.level(method) != "weight":
            return True
        members = self.pools[pool]
        attackers = [member for member in members if member in self.attackers]
        personas = {self.persona(member) for member in members}
        return len(personas) == 1 and all(map(self.in_weights, attackers))

    @cached_property
    def teams(self) -> list[tuple[str, str]]:
        """Every pool and method that go together."""
        return [team for team in product(self.pools, self.methods) if self.applicable(*team)]

    def pool_defences(self, pool: str, method: str) -> list[str]:
        """The defences run for a pool: controls are only read undefended."""
        return [UNDEFENDED] if pool in self.controls.values() else self.defences(method)

    def merges(self, method: str) -> bool:
        """Whether `method` merges the members' weights into one checkpoint."""
        return self.learns(method) == "weights"

    def routes(self, method: str) -> bool:
        """Whether `method` trains a router."""
        return self.learns(method) in ("adapter", "router")

    def needs(self, defences: Iterable[str]) -> set[str]:
        """What the given defences read: a subset of {texts, rewards, verdicts, attackers}."""
        kinds = [self.defence_kinds[defence] for defence in defences]
        return {need for kind in kinds for need in plugins.fact("defences", kind, "NEEDS", ())}

    def test_needs(self, pool: str, method: str) -> set[str]:
        """What a team's defences read while it runs: nothing where they have decided before, on dev."""
        return set() if self.merges(method) else self.needs(self.pool_defences(pool, method))

    def dev_needs(self, pool: str, method: str) -> set[str]:
        """What a team's training on dev reads besides dev scores, where the study has it.

        A subset of {texts, rewards, verdicts, lengths, attackers}: the method's own wishes, and where weights are merged
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
        """Whether the study has a judge that is asked in this form, `pointwise` or `listwise`."""
        return "judge" in self.supervised and self.config.supervisors.judge_form == form

    def job_parts(self, datasets: Iterable[str]) -> list[str]:
        """What the names of a member's or team's jobs end with: one job for all datasets, or one for each."""
        return [f".{dataset}" for dataset in datasets] if self.config.jobs == "per_dataset" else [""]
