"""Rule merge_weights: a pool's merged checkpoints, one folder per dataset; defences choose on dev which member to omit."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from _helpers import Job, run
from amongus.core.atomic import whole_directory
from amongus.core.hardlinks import link_tree
from amongus.inference.engine import open_engine
from amongus.members.member import Member, write_fingerprint
from amongus.members.requests import Request, user
from amongus.report.cost_sidecars import write_cost
from amongus.scoring import explain
from amongus.study import plugins
from amongus.team import DefenceInput, LearnInput
from amongus.team.learning import read_learn_inputs
from amongus.team.runner import Merge, decide_for_team, known, read_evidence, write_merges

snakemake: Job


class Answers:
    """Answers of merged checkpoints, their scores, and what they cost."""

    def __init__(self, snakemake: Job) -> None:
        self._snakemake = snakemake
        self._seed = int(snakemake.wildcards.seed)
        self._stats: list[Mapping[str, float]] = []
        self._grader: Any = None
        if snakemake.params.grading:
            # By name, so that its code is a reason to merge again only where it scores (`scorers` in rules/inputs.smk).
            module = import_module("amongus.scoring.model_grader")
            self._grader = module.open_grader(snakemake.input.grader[0], snakemake.params, self._seed)

    @property
    def stats(self) -> list[Mapping[str, float]]:
        """Counts so far of every engine."""
        return [*self._stats, *([self._grader.engine.stats] if self._grader else [])]

    def respond(self, questions: Sequence[Mapping[str, Any]], member: Member) -> list[str]:
        """A checkpoint's answers."""
        engine = open_engine(self._snakemake.params, [member], self._seed)
        answers = engine.generate([Request(member.name, user(row["prompt"])) for row in questions])
        self._stats.append(engine.stats)
        return [answer.text for answer in answers]

    def scorer(self, dataset: str, questions: Sequence[Mapping[str, Any]]) -> Callable[[Sequence[str]], list[float]]:
        """What scores a text for each of `questions`: the grader or the dataset's metric."""
        items = [json.loads(row["item"]) for row in questions]
        if self._grader is not None and dataset in self._grader.kinds:
            references = self._grader.references(dataset, items)
            prompts = [row["prompt"] for row in questions]
            return lambda texts: [score for score, _ in self._grader.explain(prompts, references, texts)]
        metric, cores = questions[0]["metric"], getattr(self._snakemake, "threads", 1)
        limits = self._snakemake.params.limits
        return lambda texts: [score for score, _ in explain(metric, items, texts, cores, limits)]


def main(snakemake: Job) -> None:
    """Merge for every dataset and defence; teams that leave out the same member merge once."""
    params = snakemake.params
    method = plugins.module("methods", params.method)
    if params.limits:
        # Before a model is loaded. By name, as the grader.
        import_module("amongus.sandbox").preflight()
    answers = Answers(snakemake)
    inputs = read_learn_inputs(snakemake, answers.respond, answers.scorer)
    evidence = read_evidence(snakemake.input, params)
    made: dict[tuple[str | None, str | None], Path] = {}
    with ExitStack() as stack:
        # Begun together, so that of two copies of this job one makes them all.
        folders = [stack.enter_context(whole_directory(path)) for path in snakemake.output.merges]
        for (dataset, team), folder in zip(inputs.items(), folders, strict=True):
            merges = {name: decide(team, evidence[dataset], module) for name, module in params.defences.items()}
            for merge in {merge.folder: merge for merge in merges.values()}.values():
                shared = None if getattr(method, "PER_DATASET", True) is False else dataset
                place = folder / merge.folder
                if (shared, merge.masked) in made:
                    link_tree(made[shared, merge.masked], place)
                else:
                    place.mkdir()
                    method.learn(replace(team, masked=merge.masked), place)
                    write_fingerprint(place)
                    made[shared, merge.masked] = place
            write_merges(folder, merges)
    write_cost(snakemake.output.cost, "merge_weights", *answers.stats)


def decide(team: LearnInput, evidence: Mapping[str, Any], defence: str) -> Merge:
    """Whom a defence leaves out, from what it would do on each dev question."""
    candidates, read = [team.pool] * len(team.ids), known(defence, evidence)
    return decide_for_team(defence, DefenceInput(team.ids, candidates, team.seed, team.dev(), **read))


if __name__ == "__main__":
    run(snakemake, main)
