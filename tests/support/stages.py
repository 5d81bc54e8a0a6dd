"""A small study, stage by stage: the scripts of rules run as Snakemake runs them, members on one tiny random base."""

import json
import os

import tiny
from amongus.core.json_files import read_json, write_json
from amongus.core.tables import QUESTIONS, RUNS, SCORES, read_table, write_table
from amongus.members.member import Member, fingerprint_directory, save_member
from amongus.study import plugins
from amongus.study.paths import Paths
from standins import Named, run

DATASET = "gsm8k"
PATHS = Paths("s", "1")
ENGINE = {"device": "cpu", "dtype": "float32", "batch_tokens": 4096, "max_batch": 8, "flush_every": 8}
SAMPLING = {"temperature": 0.7, "top_p": 0.9, "top_k": 0, "repetition_penalty": 1.0, "max_new_tokens": 4}
POINTWISE = {"judge.pointwise": {"text": "right?", "item": "- {text}"}}
LISTWISE = {"judge.listwise": {"text": "{question}\n{answers}\nWorst?", "item": "[{number} {mark}] {text}"}}
PAIR = ("a", "b")


def prepare(members=PAIR, count=2):
    """In the current folder: the base, its members, `count` questions a split."""
    for split in ("dev", "test"):
        items = [{"id": str(n), "domain": "d", "input": f"{n}+1?", "output": str(n + 1)} for n in range(count)]
        columns = {
            "id": [f"{DATASET}/{split}/{n}" for n in range(count)],
            "prompt": [item["input"] for item in items],
            "item": [json.dumps(item) for item in items],
            "metric": ["boxed"] * count,
        }
        write_table(PATHS.questions(DATASET, split), columns, QUESTIONS)
    base = PATHS.model("base")
    os.makedirs(base)
    tiny.checkpoint(base)
    write_json(f"{base}/fingerprint.json", {"fingerprint": fingerprint_directory(base)})
    for name in members:
        save_member(PATHS.member(name), Member(name, base, system=name, fingerprint=name * 64))


def respond(member, split):
    """Run `respond` for a member and split."""
    run(
        "respond",
        Named(member=PATHS.member(member), models=[], questions=[PATHS.questions(DATASET, split)]),
        Named(responses=[PATHS.responses(member, DATASET, split)], cost="cost.json"),
        sampling=SAMPLING,
        engine=ENGINE,
        store="results/store",
    )


def scored(split="dev", count=2, **members):
    """Write scores of members, the same for all questions."""
    ids = [f"{DATASET}/{split}/{n}" for n in range(count)]
    for member, score in members.items():
        columns = {"id": ids, "score": [score] * count, "reason": [""] * count}
        write_table(PATHS.response_scores(member, DATASET, split), columns, SCORES)


def supervise(rule, paths, members, split, **params):
    """Run `rewards` or `verdicts` on the answers of some members into the files `paths`."""
    run(
        rule,
        Named(
            model=params.pop("model"),
            questions=[PATHS.questions(DATASET, split) for _ in members],
            responses=[PATHS.responses(member, DATASET, split) for member in members],
        ),
        Named(**{rule: list(paths), "cost": f"{rule}.json"}),
        **{"engine": ENGINE, "limit": 99, **params},
    )


def rankings(pool, split, orders=2, **params):
    """Run `rankings` for the pool called `two`; the file."""
    path = PATHS.rankings("two", DATASET, split)
    files = Named(
        model=PATHS.model("base"),
        questions=[PATHS.questions(DATASET, split)],
        responses=[PATHS.responses(member, DATASET, split) for member in pool],
    )
    given = {"pool": list(pool), "orders": orders, "prompts": LISTWISE, "limit": 99, "engine": ENGINE}
    run("rankings", files, Named(rankings=[path], cost="r.json"), **{**given, **params})
    return path


def train_router(method, pool=PAIR, needs=(), **params):
    """Run `train_router` for a pool on one dataset, with rewards only where they are among `needs`; the folder."""
    folder = PATHS.router("two", method, DATASET)
    needs = {*plugins.fact("methods", method, "LEARNING_NEEDS", ())} - {"rewards"} | {*needs}
    _team("train_router", method, pool, "dev", needs, Named(routers=[folder], cost="l.json"), params)
    return folder


def merge_weights(method, defences, pool=PAIR, judge_form=None, **params):
    """Run `merge_weights` for a pool on one dataset under several defences (names, or names to modules).

    Returns: per defence what `merges.json` says of it, with the `path` of its checkpoint.
    """
    folder = PATHS.merges("two", method, DATASET)
    defences = _named(defences)
    outputs = Named(merges=[folder], cost="l.json")
    _team("merge_weights", method, pool, "dev", _needs(defences, judge_form), outputs, params, defences)
    merges = read_json(f"{folder}/merges.json")
    return {defence: {**merge, "path": f"{folder}/{merge['folder']}"} for defence, merge in merges.items()}


def collaborate(method, defences, pool=PAIR, judge_form=None, **params):
    """Run `collaborate` for a pool on one dataset under several defences (as in `merge_weights`).

    Returns: per defence its rows of answers.
    """
    defences, run_file = _named(defences), PATHS.run("two", method, DATASET)
    merged = plugins.fact("methods", method, "LEARNS", None) == "weights"
    needs = set() if merged else _needs(defences, judge_form)
    outputs = Named(runs=[run_file], transcripts=[PATHS.transcript("two", method, DATASET)], cost="c.json")
    _team("collaborate", method, pool, "test", needs, outputs, params, defences)
    rows = read_table(run_file, RUNS).to_pylist()
    return {defence: [row for row in rows if row["defence"] == defence] for defence in defences}


def _named(defences):
    return dict(defences if isinstance(defences, dict) else zip(defences, defences, strict=True))


def _needs(defences, judge_form):
    """What some defences read; verdicts of a listwise judge are rankings."""
    needs = {need for kind in defences.values() for need in plugins.fact("defences", kind, "NEEDS", ())}
    return needs - {"verdicts"} | {"rankings"} if judge_form == "listwise" and "verdicts" in needs else needs


def _team(rule, method, pool, split, needs, outputs, params, defences=None):
    """Run the `rule` of a team's job, with all that any such rule may be given."""
    learned = plugins.fact("methods", method, "LEARNS", None)
    dev = [PATHS.response_scores(member, DATASET, "dev") for member in pool]

    def of_pool(place, wanted):
        return [place(member, DATASET, split) for member in pool] if wanted else []

    files = Named(
        members=[PATHS.member(member) for member in pool],
        questions=[PATHS.questions(DATASET, split)],
        scores=dev,
        dev=dev,
        responses=of_pool(PATHS.responses, split == "test" or needs & {"texts", "lengths"}),
        rewards=of_pool(PATHS.rewards, "rewards" in needs),
        verdicts=of_pool(PATHS.verdicts, "verdicts" in needs),
        rankings=[PATHS.rankings("two", DATASET, split)] if "rankings" in needs else [],
        learned=[(PATHS.merges if learned == "weights" else PATHS.router)("two", method, DATASET)] if learned else [],
        named=[PATHS.model(model) for model in params.get("models", {}).values()],
        grader=[PATHS.model("base")],
    )
    given = {
        "pool": list(pool),
        "datasets": [DATASET],
        "method": method,
        "settings": {},
        "models": {},
        "prompts": {},
        "limit": 99,
        "limits": {},
        "grading": {},
        "sampling": SAMPLING,
        "engine": ENGINE,
        "store": "results/store",
    }
    if defences is not None:
        given |= {"defences": defences, "attackers": [pool[0]]}
    run(rule, files, outputs, **{**given, **params})
