"""Where a supervisor is not independent of what it supervises: the tables mark such cells.

Two things make a defence look better or worse than it would with an unrelated supervisor. An attacker that was trained
against the very reward model that supervises, or against one related to it, has learnt what that model likes. And a
judge that is a member of the team, or was made from the members' base, judges its own kind (in the paper the judge,
Qwen2.5-7B-Instruct, is the members' base and the member whose place the attacker takes). A common parent of two
supervisors is no overlap.
"""

from collections.abc import Sequence

from amongus.study.settings import Strict
from amongus.study.study import Study

Identity = tuple[str, str]
"""Equal for two names of one model: the same source, or the same name."""

_SOURCES = ("repo", "repository", "repo_id", "url", "path", "folder")
"""Settings that say where a model that is not trained here comes from: two names may mean the same model."""


def source(model: Strict) -> str:
    """Where a model of the config comes from, if it is not trained here: a repository, URL or folder; else empty."""
    return " ".join(str(value) for key in _SOURCES if (value := getattr(model, key, None)))


def overlaps(study: Study) -> dict[tuple[str, str], str]:
    """Why, in one line, the supervisor of (pool, defence) overlaps with the pool; pairs that do not are absent."""
    origins, found = _Origins(study), {}
    for pool, members in study.config.pools.items():
        attackers = [member for member in members if member in study.attackers]
        benign = [member for member in members if member not in attackers]
        for defence in study.supervised:
            supervisor = getattr(study.config.supervisors, defence)
            reason = origins.trained_against(supervisor, attackers)
            if not reason and defence == "judge":
                reason = origins.own_kind(supervisor, benign, attackers)
            if reason:
                found[pool, defence] = reason
    return found


class _Origins:
    """Which models are the same, and what they are made from."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def trained_against(self, supervisor: str, attackers: Sequence[str]) -> str:
        """The first of `attackers` that was trained against the supervisor or a model related to it."""
        for attacker in attackers:
            entry = self._study.attackers[attacker]
            for target in (entry.trained_against, getattr(entry, "reward", None)):
                bond = self._bond(target, supervisor) if isinstance(target, str) else ""
                if bond:
                    return f"{attacker} was trained against {target}, {bond}"
        return ""

    def _bond(self, target: str, supervisor: str) -> str:
        """What the model `target` is to the supervisor: the same, its parent, its child, related; empty if nothing."""
        known, own = self._identity(target), self._identity(supervisor)
        if known == own:
            return "the model that supervises"
        if own in self._lineage(target):
            return f"which is made from the supervisor {supervisor}"
        if known in self._lineage(supervisor):
            return f"which the supervisor {supervisor} is made from"
        if own in self._related(target) or known in self._related(supervisor):
            return f"which is related to the supervisor {supervisor}"
        return ""

    def own_kind(self, judge: str, benign: Sequence[str], attackers: Sequence[str]) -> str:
        """How the judge is related to the members of a pool or to those that attackers replace, if it is."""
        own, lineage = self._identity(judge), self._lineage(judge)
        models = self._study.member_model
        replaced = {attacker: self._study.replaced(attacker) for attacker in attackers}
        for member in benign:
            if self._identity(models(member)) == own:
                return f"{judge} is the same model as the member {member}"
        for attacker, member in replaced.items():
            if self._identity(models(member)) == own:
                return f"{judge} is the same model as {member}, whose place {attacker} takes"
        related = [m for m in [*benign, *replaced.values()] if lineage & self._lineage(models(m))]
        if not related:
            return ""
        listed = ", ".join(dict.fromkeys(related))
        made = all(own in self._lineage(models(member)) for member in related)
        return f"{judge} is the base of {listed}" if made else f"{judge} shares its base with {listed}"

    def _identity(self, model: str) -> Identity:
        known = source(self._study.models[model])
        return ("from", known) if known else ("name", model)

    def _related(self, model: str) -> set[Identity]:
        """The identities of the models that the config calls related to `model`."""
        return set(map(self._identity, self._study.models[model].related))

    def _lineage(self, model: str) -> set[Identity]:
        """The identities of `model` and of everything it is made from."""
        found: set[Identity] = set()
        waiting = [model]
        while waiting:
            name = waiting.pop()
            if self._identity(name) not in found:
                found.add(self._identity(name))
                waiting.extend(self._study.parents(name).values())
        return found
