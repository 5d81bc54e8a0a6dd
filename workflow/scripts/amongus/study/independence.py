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
    found = {}
    for pool, members in study.config.pools.items():
        attackers = [member for member in members if member in study.attackers]
        benign = [member for member in members if member not in attackers]
        for defence in study.supervised:
            supervisor = getattr(study.config.supervisors, defence)
            reason = _trained_against(study, supervisor, attackers)
            if not reason and defence == "judge":
                reason = _own_kind(study, supervisor, benign, attackers)
            if reason:
                found[pool, defence] = reason
    return found


def _trained_against(study: Study, supervisor: str, attackers: Sequence[str]) -> str:
    """The first of `attackers` that was trained against the supervisor or a model related to it."""
    for attacker in attackers:
        for target in (study.attackers[attacker].trained_against, study.setting(attacker, "reward")):
            bond = _bond(study, target, supervisor) if isinstance(target, str) else ""
            if bond:
                return f"{attacker} was trained against {target}, {bond}"
    return ""


def _bond(study: Study, target: str, supervisor: str) -> str:
    """What the model `target` is to the supervisor: the same, its parent, its child, related; empty if nothing."""
    known, own = _identity(study, target), _identity(study, supervisor)
    if known == own:
        return "the model that supervises"
    if own in _lineage(study, target):
        return f"which is made from the supervisor {supervisor}"
    if known in _lineage(study, supervisor):
        return f"which the supervisor {supervisor} is made from"
    related = {
        model: {_identity(study, other) for other in study.models[model].related} for model in (target, supervisor)
    }
    if own in related[target] or known in related[supervisor]:
        return f"which is related to the supervisor {supervisor}"
    return ""


def _own_kind(study: Study, judge: str, benign: Sequence[str], attackers: Sequence[str]) -> str:
    """How the judge is related to the members of a pool or to those that attackers replace, if it is."""
    own = _identity(study, judge)
    places = {member: f"the member {member}" for member in benign}
    for attacker in attackers:
        replaced = study.replaced(attacker)
        places.setdefault(replaced, f"{replaced}, whose place {attacker} takes")
    for member, place in places.items():
        if _identity(study, study.member_model(member)) == own:
            return f"{judge} is the same model as {place}"
    lineages = {member: _lineage(study, study.member_model(member)) for member in places}
    related = {member: lineage for member, lineage in lineages.items() if lineage & _lineage(study, judge)}
    if not related:
        return ""
    bond = "is the base of" if all(own in lineage for lineage in related.values()) else "shares its base with"
    return f"{judge} {bond} {', '.join(related)}"


def _identity(study: Study, model: str) -> Identity:
    known = source(study.models[model])
    return ("from", known) if known else ("name", model)


def _lineage(study: Study, model: str) -> set[Identity]:
    """The identities of `model` and of everything it is made from."""
    found: set[Identity] = set()
    waiting = [model]
    while waiting:
        name = waiting.pop()
        if _identity(study, name) not in found:
            found.add(_identity(study, name))
            waiting.extend(study.parents(name).values())
    return found
