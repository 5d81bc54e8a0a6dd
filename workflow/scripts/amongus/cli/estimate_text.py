"""A plan as it is printed."""

from collections.abc import Iterable, Sequence

from amongus.cli.estimate import Plan, Row, Training, hours, new_tokens, prompt_tokens
from amongus.core.gpus import gpus_per_job
from amongus.study.study import Study

_COUNTED = ("prompts", "new tokens", "prompt tokens")
_LIES = {
    "fetched": "checkpoints fetched",
    "trained": "checkpoints and adapters trained here",
    "checkpoints": "checkpoints of trainings under way, at most",
    "merged": "merged checkpoints of one team at work, at most",
    "texts": "texts, in results and store",
}


def text(study: Study, made: Plan) -> str:
    """The plan in blocks: what is run, by rule; what is trained; disk; what the figures rest on."""
    blocks = [_title(study), _columns(_table(study, made))]
    if made.trainings:
        blocks.append(_trainings(made.trainings))
    rests = [*_assumed(study), *made.notes]
    blocks += [_disk(made), "What this rests on:\n" + "\n".join(f"- {line}" for line in rests)]
    return "\n\n".join(blocks)


def _title(study: Study) -> str:
    counts = {
        "seed": study.seeds,
        "dataset": study.datasets,
        "member": study.members,
        "pool": study.pools,
        "method": study.methods,
        "cell": study.runs(),
    }
    parts = (f"{len(of)} {name}{'s' * (len(of) != 1)}" for name, of in counts.items())
    return f"Study {study.name}: {', '.join(parts)} a seed"


def _table(study: Study, made: Plan) -> Iterable[Sequence[str]]:
    """A line per rule, below it one per method where methods differ, and the total."""
    yield ("rule", "jobs", "model loads", *_COUNTED, "GPU hours" if gpus_per_job(study.config) else "hours")
    for row in made.rules:
        yield _line(study, row)
        for part in made.methods.get(row.name, ()):
            yield _line(study, part, "  ")
    yield _line(study, made.total)


def _line(study: Study, row: Row, margin: str = "") -> Sequence[str]:
    name, jobs = f"{margin}{row.name}", f"{row.jobs:,}"
    if row.unknown and row.ask is None:
        return (name, jobs, *["unknown"] * 5)
    before, after = "≤ " * row.at_most, " + ?" * row.unknown
    loads = f"{row.loads:,}{after}" if row.loads else after.strip()
    if row.ask is None:
        return (name, jobs, loads, "", "", "", "")
    figures = (
        row.ask.prompts,
        row.ask.written * new_tokens(study),
        prompt_tokens(study, row.ask),
    )
    shown = [f"{before}{figure:,}{after}" if figure else after.strip() for figure in figures]
    return (name, jobs, loads, *shown, f"{before}{hours(study, row):,.2f}{after}")


def _trainings(trainings: Sequence[Training]) -> str:
    head = ("trainings, not in the hours", "jobs", "GPUs each", "minutes each, at most")
    rows = [(one.rule, f"{one.jobs:,}", str(one.gpus), str(one.minutes)) for one in trainings]
    names = ["", *(", ".join(one.names) for one in trainings)]
    lines = _columns([head, *rows]).split("\n")
    return "\n".join(f"{line}  {made}".rstrip() for line, made in zip(lines, names, strict=True))


def _disk(made: Plan) -> str:
    lines = [("disk", "GB"), *((_LIES[what], f"{size:,.2f}") for what, size in made.disk.items() if size)]
    return _columns([*lines, ("total", f"{sum(made.disk.values()):,.2f}")])


def _assumed(study: Study) -> Iterable[str]:
    """The expectations that are config, and what is left out."""
    expected, sampling = study.config["plan"], study.config["sampling"]
    gpus = gpus_per_job(study.config)
    yield (
        f"a job ({f'{gpus} GPU' if gpus else 'no GPU'}) makes {expected['new_tokens_per_second']:g} new tokens and reads "
        f"{expected['prompt_tokens_per_second']:g} prompt tokens a second, and loads a model in "
        f"{expected['load_seconds']:g} s (config: plan)"
    )
    yield (
        f"a question has {expected['question_tokens']} tokens, a text {new_tokens(study)}: "
        f"{expected['answer_share']:g} of max_new_tokens {sampling['max_new_tokens']} (config: plan)"
    )
    yield "dev and test questions are as many as the config asks for; a source may hold fewer"
    yield (
        "≤: a defence that leaves a member out asks less. Prompts are at most these: answers in the store, shared by "
        "defences, pools and studies, and equal prompts are not asked again; how many is not known before"
    )
    yield (
        "model loads are at most these: equal merges are loaded once, and a job whose answers are all in the store loads "
        "nothing"
    )
    yield (
        "not counted: trainings (attackers' rollouts and vectors with them), embedding questions, merging weights, scoring, "
        "tables"
    )


def _columns(lines: Iterable[Sequence[str]]) -> str:
    """Aligned: names to the left, figures to the right."""
    rows = [list(line) for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
