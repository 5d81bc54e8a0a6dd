"""A small study, stage by stage: the scripts of rules run as Snakemake runs them, members on one tiny random base."""

import json
import os

import tiny
from amongus.core.json_files import write_json
from amongus.core.tables import QUESTIONS, SCORES, write_table
from amongus.members.member import Member, fingerprint_directory, save_member
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
        items = [
            {"id": str(n), "domain": "d", "input": f"{n}+1?", "output": str(n + 1)} for n in range(count)
        ]
        write_table(
            PATHS.questions(DATASET, split),
            {
                "id": [f"{DATASET}/{split}/{n}" for n in range(count)],
                "prompt": [item["input"] for item in items],
                "item": [json.dumps(item) for item in items],
                "metric": ["boxed"] * count,
            },
            QUESTIONS,
        )
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
        home=PATHS.home_of,
        cells=[(member, DATASET, split)],
        sampling=SAMPLING,
        engine=ENGINE,
        store="results/store",
    )


def scored(member, score, split="dev", count=2):
    """Write scores of a member, the same for all questions."""
    ids = [f"{DATASET}/{split}/{n}" for n in range(count)]
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
    run(
        "rankings",
        Named(model=PATHS.model("base")),
        Named(rankings=[path], cost="r.json"),
        **{
            "home": PATHS.home_of,
            "cells": [("two", DATASET, split)],
            "pool": list(pool),
            "orders": orders,
            "prompts": LISTWISE,
            "limit": 99,
            "engine": ENGINE,
            **params,
        },
    )
    return path


def learn(method, defences, pool=PAIR, **params):
    """Run `learn` for a pool on one dataset under several defences (names, or names to modules); folders by defence."""
    cells = [("two", method, defence, DATASET) for defence in defences]
    run(
        "learn",
        Named(members=[PATHS.member(member) for member in pool], verifier=[PATHS.model("base")]),
        Named(learned=[PATHS.learned(*cell) for cell in cells], cost="l.json"),
        **{**_cells(method, cells, pool, defences), "needs": [], **params},
    )
    return {cell[2]: PATHS.learned(*cell) for cell in cells}


def collaborate(method, defences, pool=PAIR, **params):
    """Run `collaborate` for a pool on one dataset under several defences (as in `learn`); the cells."""
    cells = [("two", method, defence, DATASET) for defence in defences]
    run(
        "collaborate",
        Named(members=[PATHS.member(member) for member in pool], learned=[]),
        Named(
            runs=[PATHS.run(*cell) for cell in cells],
            transcripts=[PATHS.transcript(*cell) for cell in cells],
            cost="c.json",
        ),
        **{**_cells(method, cells, pool, defences), "learned_under": {}, "limit": 99, **params},
    )
    return cells


def _cells(method, cells, pool, defences):
    """What `learn` and `collaborate` are told alike."""
    return {
        "home": PATHS.home_of,
        "cells": cells,
        "pool": list(pool),
        "attackers": [pool[0]],
        "method": method,
        "defences": dict(defences if isinstance(defences, dict) else zip(defences, defences, strict=True)),
        "settings": {},
        "models": {},
        "judge_form": None,
        "prompts": {},
        "sampling": SAMPLING,
        "engine": ENGINE,
        "store": "results/store",
    }
