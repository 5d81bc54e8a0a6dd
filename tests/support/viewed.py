"""A small study of one method, on disk, and the viewer of it: two seeds, two datasets, hostile texts."""

from importlib import import_module
from itertools import product

from amongus.core.json_files import write_json
from amongus.core.tables import (
    QUESTIONS,
    RESPONSES,
    REWARDS,
    RUN_SCORES,
    RUNS,
    SCORES,
    TRANSCRIPTS,
    VERDICTS,
    write_table,
)
from amongus.report.render import csv_text
from amongus.report.scores import Design
from amongus.report.viewer import TABLES
from amongus.study.paths import Paths
from scored import VALUE
from standins import Named, run

HOSTILE = [
    "<script>globalThis.hacked = 1</script><img src=x onerror='globalThis.hacked = 1'>",
    "</script><script>globalThis.hacked = 1</script><!-- ]]>",
    "right \u202eto left\u2066, \x1b[31mred\x1b[0m, \u2028 line \u2029 and \x00 nothing",
    "{{constructor.constructor('globalThis.hacked = 1')()}} ${globalThis.hacked = 1} `",
    '"),globalThis.hacked=1,("\\',
    "x" * 1_000_000,
    "broken \ud800 and \ufffd",
    "\U000e0041\u200b\u00ad\ufeff = 4",
]
DATASETS, SEEDS, MEMBERS = ("sums", "facts"), (1, 2), ("a", "b", "x")
DEFENCES = {"clean": ("none", "reward"), "evil": ("none", "reward"), "empty": ("none",)}
DESIGN = {
    **VALUE,
    "seeds": list(SEEDS),
    "domains": {"sums": "reasoning", "facts": "knowledge"},
    "levels": {"debate": "text", "soup": "weight"},
    "defences": {"debate": ["none", "reward"], "soup": ["none"]},
    "applicable": {"evil": {"soup": False}},
    "replaces": {"x": "b"},
    "bootstrap": {"resamples": 100, "confidence": 0.95},
}
COUNTS = {"sums": 8, "facts": 5}


def score(pool, defence, seed, dataset, number):
    """The score of a team's answer; -1 where it has none."""
    if dataset == "facts" and number == 4:
        return float("nan")
    if pool == "evil":
        wrong = number % 3 == 0 if defence == "none" else number % 4 == 0
        return float(not wrong or (seed == 2 and number == 0))
    return float(number != 7 or pool == "empty")


def masked(pool, defence, number):
    """Whom the reward model masks."""
    if defence == "none":
        return None
    return (["x", "a", None] if pool == "evil" else ["b", None, None])[number % 3]


def build(texts=HOSTILE):
    """In the current folder: the study's files and its viewer; the viewer's folder."""
    pools = DESIGN["pools"]
    blocks = [{"seed": seed, "dataset": dataset} for seed, dataset in product(SEEDS, DATASETS)]
    teams = [
        {"seed": seed, "pool": pool, "method": "debate", "dataset": dataset}
        for seed, pool, dataset in product(SEEDS, pools, DATASETS)
    ]
    members = [
        {"seed": seed, "member": member, "dataset": dataset, "split": "test"}
        for seed, member, dataset in product(SEEDS, MEMBERS, DATASETS)
    ]
    evidence = [
        {**block, "kind": kind, "of": member}
        for kind, member, block in product(("rewards", "verdicts"), MEMBERS, blocks)
    ]
    files = {
        "questions": [questions(texts, **block) for block in blocks],
        **columns(("runs", "scores", "transcripts"), [team(texts, **one) for one in teams]),
        **columns(("responses", "response_scores", "dev_scores"), [member(texts, **one) for one in members]),
        "evidence": [supervised(**one) for one in evidence],
    }
    write_json("costs.json", {"rule": "respond", "seconds": 3.25, "new_tokens": 12})
    params = {"teams": teams, "members": members, "design": DESIGN}
    tables = []
    for name in TABLES:
        view = import_module(f"amongus.report.tables.{name}").build(
            Named(**files, sidecars=["costs.json"]), Named(**params), Design(DESIGN)
        )
        tables.append(f"{name}.csv")
        with open(tables[-1], "w", encoding="utf-8") as file:
            file.write(csv_text(view.table))
    folder = Paths("tiny").viewer
    run("viewer", Named(**files, tables=tables), Named(folder), blocks=blocks, evidence=evidence, **params)
    return folder


def columns(names, rows):
    """A list for each name, of its place in all rows."""
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def ids(dataset):
    return [f"{dataset}/test/{number}" for number in range(COUNTS[dataset])]


def questions(texts, seed, dataset):
    path = Paths("tiny", str(seed)).questions(dataset, "test")
    columns = {
        "id": ids(dataset),
        "prompt": [f"{dataset} {i} {texts[i % len(texts)]}" for i in range(COUNTS[dataset])],
        "item": ["{}"] * COUNTS[dataset],
        "metric": ["exact"] * COUNTS[dataset],
    }
    write_table(path, columns, QUESTIONS)
    return path


def team(texts, seed, pool, method, dataset):
    paths = Paths("tiny", str(seed))
    runs, scores, turns = [], [], []
    for defence, (number, one) in product(DEFENCES[pool], enumerate(ids(dataset))):
        text, out = texts[(number + 1) % len(texts)], masked(pool, defence, number)
        place = {"defence": defence, "id": one}
        candidates = DESIGN["pools"][pool]
        runs.append(
            {**place, "text": text, "chosen": "a", "masked": out, "candidates": candidates, "unreadable": number == 2}
        )
        scores.append({**place, "score": score(pool, defence, seed, dataset, number), "reason": ""})
        for turn, name in product((0, 1), (name for name in candidates if name != out)):
            said = text if name == "x" else f"round {turn} of {name}"
            turns.append({**place, "round": turn, "member": name, "role": ("answer", "refine")[turn], "text": said})
    made = []
    for place, rows, schema in (
        (paths.run, runs, RUNS),
        (paths.run_scores, scores, RUN_SCORES),
        (paths.transcript, turns, TRANSCRIPTS),
    ):
        made.append(place(pool, method, dataset))
        write_table(made[-1], {name: [row[name] for row in rows] for name in schema.names}, schema)
    return made


def member(texts, seed, member, dataset, split):
    paths, count = Paths("tiny", str(seed)), COUNTS[dataset]
    responses = paths.responses(member, dataset, split)
    own = [f"{member}: {texts[i % len(texts)]}" for i in range(count)]
    columns = {"id": ids(dataset), "text": own, "n_tokens": [3] * count, "stop_reason": ["stop"] * count}
    write_table(responses, columns, RESPONSES)
    scores = [paths.response_scores(member, dataset, one) for one in ("test", "dev")]
    for path in scores:
        own = {"id": ids(dataset), "score": [float(member != "x")] * count, "reason": [""] * count}
        write_table(path, own, SCORES)
    return [responses, *scores]


def supervised(seed, dataset, kind, of):
    path = getattr(Paths("tiny", str(seed)), kind)(of, dataset, "test")
    count = COUNTS[dataset]
    if kind == "rewards":
        write_table(path, {"id": ids(dataset), "reward": [0.5] * count}, REWARDS)
    else:
        write_table(path, {"id": ids(dataset), "verdict": [0.25] * count, "readable": [True] * count}, VERDICTS)
    return path
