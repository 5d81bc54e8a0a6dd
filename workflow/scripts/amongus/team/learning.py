"""What a team learns from on dev, read from a job's files."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from amongus.core.snakemake_job import Job
from amongus.core.tables import QUESTIONS, RESPONSES, REWARDS, SCORES, read_table
from amongus.members.member import Member, load_member
from amongus.members.prompts import Template
from amongus.study import plugins
from amongus.team import LearnInput
from amongus.team.runner import by_member, columns


def unavailable(*_: Any) -> Any:
    """Replaces what only merges need: answers of a merged checkpoint, and their scores."""
    raise NotImplementedError("only methods of LEVEL 'weight' can query a checkpoint while they learn")


def read_learn_inputs(
    snakemake: Job,
    respond: Callable[[Sequence[Mapping[str, Any]], Member], list[str]] = unavailable,
    scorer: Callable[[str, Sequence[Mapping[str, Any]]], Callable[[Sequence[str]], list[float]]] | None = None,
) -> dict[str, LearnInput]:
    """Dataset -> what a team learns from there, out of the params and files of its job.

    `respond` maps rows of questions and a member to its answers, `scorer` a dataset and its rows to what scores a text
    for each of them.
    """
    files, params = snakemake.input, snakemake.params
    members = {member.name: member for member in map(load_member, files.members)}
    scores, rewards, responses = (
        by_member(one, params.datasets, params.pool) for one in (files.scores, files.rewards, files.responses)
    )
    inputs = {}
    for dataset, path in zip(params.datasets, files.questions, strict=True):
        questions = read_table(path, QUESTIONS).to_pylist()
        inputs[dataset] = LearnInput(
            pool=tuple(params.pool),
            dataset=dataset,
            seed=int(snakemake.wildcards.seed),
            settings=plugins.typed("methods", params.method, params.settings),
            prompts={name: Template(**template) for name, template in params.prompts.items()},
            ids=[row["id"] for row in questions],
            questions=[row["prompt"] for row in questions],
            scores=columns(scores[dataset], SCORES, "score"),
            rewards=columns(rewards[dataset], REWARDS, "reward"),
            lengths=columns(responses[dataset], RESPONSES, "n_tokens"),
            members=members,
            models=dict(zip(params.models, map(Path, files.named), strict=True)),
            device=params.engine["device"],
            dtype=params.engine["dtype"],
            respond=partial(respond, questions),
            score=scorer(dataset, questions) if scorer else unavailable,
        )
    return inputs
