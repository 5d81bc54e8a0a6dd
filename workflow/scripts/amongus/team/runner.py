"""A team's job, from files to files: its evidence, its defences, its answers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isnan
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from amongus.core.errors import StudyError
from amongus.core.hashing import derive
from amongus.core.json_files import read_record, write_json
from amongus.core.snakemake_job import Named
from amongus.core.tables import RANKINGS, RESPONSES, REWARDS, RUNS, TRANSCRIPTS, VERDICTS, read_table, write_table
from amongus.study import plugins
from amongus.team import DefenceInput, Engine, Outcome, Task

MERGES = "merges.json"
"""In a team's folder of merged checkpoints: per defence, which checkpoint answers and why."""


def by_member(files: Iterable[str], datasets: Sequence[str], pool: Sequence[str]) -> dict[str, dict[str, str]]:
    """Dataset -> member -> its file, of files in the order of the datasets and, for each, the pool; empty without files."""
    names = list(files)
    cells = [(dataset, member) for dataset in datasets for member in pool]
    found: dict[str, dict[str, str]] = {dataset: {} for dataset in datasets}
    for (dataset, member), name in zip(cells if names else [], names, strict=True):
        found[dataset][member] = name
    return found


def columns(files: Mapping[str, str], schema: pa.Schema, name: str) -> dict[str, list[Any]]:
    """A column of each member's file."""
    return {member: read_table(path, schema)[name].to_pylist() for member, path in files.items()}


def read_evidence(files: Named, params: Named) -> dict[str, dict[str, Any]]:
    """Dataset -> what the defences of a job read of it, as fields of `DefenceInput`."""
    evidence: dict[str, dict[str, Any]] = {one: {"attackers": frozenset(params.attackers)} for one in params.datasets}
    sources = {
        "texts": (files.responses, RESPONSES, "text"),
        "rewards": (files.rewards, REWARDS, "reward"),
        "verdicts": (files.verdicts, VERDICTS, "verdict"),
    }
    needs = {need for defence in params.defences.values() for need in _needs(defence)}
    for name in sources.keys() & needs:
        paths, schema, column = sources[name]
        for dataset, own in by_member(paths, params.datasets, params.pool).items():
            evidence[dataset][name] = columns(own, schema, column)
    # Of a judge that has compared all answers to a question.
    for dataset, path in zip(params.datasets, files.rankings, strict=False):
        verdicts = defaultdict(list)
        for row in read_table(path, RANKINGS).to_pylist():
            verdicts[row["member"]].append(row["verdict"])
        evidence[dataset]["verdicts"] = dict(verdicts)
    return evidence


def known(defence: str, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """What of the evidence the module of a defence names in its NEEDS."""
    return {need: evidence[need] for need in _needs(defence)}


def _needs(defence: str) -> Sequence[str]:
    return plugins.fact("defences", defence, "NEEDS", ())


def decide(defence: str, data: DefenceInput) -> list[str | None]:
    """The decisions of the defence's module, checked.

    Raises:
        StudyError: it returned something other than a candidate or None per question.
    """
    masked = plugins.module("defences", defence).decide(data)
    allowed = [{None, *members} for members in data.candidates]
    if len(masked) != len(allowed) or any(m not in one for m, one in zip(masked, allowed, strict=True)):
        raise StudyError(
            f"defence '{defence}': decide(data) must return, for each question, one of its candidates or None"
        )
    return masked


@dataclass(frozen=True)
class Merge:
    """The merged checkpoint that answers under a defence.

    Attributes:
        folder: its name in the team's folder.
        masked: the member left out of it, if one is.
        flags: member -> dev questions on which the defence flagged it.
        unreadable: supervisors' values on dev that could not be read.
    """

    folder: str
    masked: str | None
    flags: Mapping[str, int]
    unreadable: int


def decide_for_team(defence: str, data: DefenceInput) -> Merge:
    """The member that a defence masks for the whole team: the one flagged on most dev questions, ties seeded."""
    flagged = decide(defence, data)
    counts = Counter(member for member in flagged if member is not None)
    masked = max(counts, key=lambda member: (counts[member], derive(data.seed, "tie", member)), default=None)
    values = [value for column in (*data.rewards.values(), *data.verdicts.values()) for value in column]
    return Merge(
        folder=f"without-{masked}" if masked else "all",
        masked=masked,
        flags={member: flagged.count(member) for member in data.candidates[0]},
        unreadable=sum(map(isnan, values)),
    )


def write_merges(folder: Path, merges: Mapping[str, Merge]) -> None:
    """Record which checkpoint of a team's folder answers under which defence."""
    write_json(folder / MERGES, {defence: asdict(merge) for defence, merge in merges.items()})


def read_merges(folder: Path) -> dict[str, Merge]:
    """Defence -> its merged checkpoint, as `write_merges` recorded them."""
    return {defence: Merge(**merge) for defence, merge in read_record(folder, MERGES).items()}


def play(
    task: Task, method: ModuleType, defence: str, data: DefenceInput, engine: Engine, merge: Merge | None = None
) -> list[Outcome]:
    """The team's answers under the defence of that module; a merged team was masked before.

    An outcome is unreadable if the method could not read what it chose by, or a supervisor's value of a candidate is
    NaN; of a merged team, if any value was that the decision for it used.
    """

    def defend(candidates: Sequence[Sequence[str]], own: Sequence[str | None] | None = None) -> list[str | None]:
        if merge:
            return [merge.masked] * len(candidates)
        return decide(defence, replace(data, candidates=candidates, own=own))

    supervised = [values for values in (data.rewards, data.verdicts) if values]

    def unreadable(row: int, outcome: Outcome) -> bool:
        if merge:
            return merge.unreadable > 0
        candidates = [values[member][row] for values in supervised for member in outcome.candidates]
        return outcome.unreadable or any(map(isnan, candidates))

    outcomes = method.collaborate(task, engine, defend)
    return [replace(outcome, unreadable=unreadable(row, outcome)) for row, outcome in enumerate(outcomes)]


def write_outcomes(run: str, transcript: str, task: Task, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Write a team's answers to one dataset under each defence, and all their messages."""
    runs: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for defence, answers in outcomes.items():
        for key, outcome in zip(task.ids, answers, strict=True):
            answer = {"defence": defence, "id": key}
            runs.append(answer | vars(outcome))
            messages += [answer | vars(turn) for turn in outcome.turns]
    for path, rows, schema in ((run, runs, RUNS), (transcript, messages, TRANSCRIPTS)):
        write_table(path, {name: [row[name] for row in rows] for name in schema.names}, schema)
