"""Scores of tiny cells, and tables of them, for the tests of what is reported."""

import numpy as np
import pandas as pd

from amongus.report.scores import Design
from amongus.report.tables.supervisors import SUPERVISORS

NAN = float("nan")
VALUE = {
    "study": "tiny",
    "seeds": [1],
    "pools": {"clean": ["a", "b"], "evil": ["a", "x"], "empty": ["a"]},
    "attackers": {"x": "sft"},
    "controls": {"evil": "empty"},
    "levels": {"debate": "text", "fusion": "logit"},
    "domains": {"sums": "reasoning", "chains": "reasoning", "facts": "knowledge"},
    "defences": {"debate": ["none", "reward", "random", "oracle"], "fusion": ["none"]},
    "applicable": {},
    "bootstrap": {"resamples": 500, "confidence": 0.9},
    "fidelity": "corrected",
    "judge_form": "pointwise",
    "models": {},
    "kinds": {"methods": {}, "datasets": {}},
    "placebos": [],
    "overlaps": [],
}
METHODS = ("debate", "feedback", "fusion", "soup")
DEFENCES = ("none", "self", "reward", "judge", "random", "oracle")


def design(**changes):
    """The design of `VALUE` with some of its keys replaced."""
    return Design({**VALUE, **changes})


def cell(pool, scores, method="debate", defence="none", dataset="sums", seed=1):
    """The scores of one cell, questions named by their place."""
    return pd.DataFrame(
        {
            "seed": seed,
            "pool": pool,
            "method": method,
            "defence": defence,
            "dataset": dataset,
            "id": [f"{dataset}/test/{i}" for i in range(len(scores))],
            "score": np.array(scores, dtype=float),
        }
    )


def cells(*lines, **keys):
    """Scores of cells, a text each: `evil 011-`, `evil reward facts 2 011-` (defence, method, dataset, seed: any order).

    The last word has a character a question, `-` where it has no score; `keys` hold for every cell.
    """
    found = []
    for line in lines:
        pool, *words, scores = line.split()
        own = {
            "defence"
            if word in DEFENCES
            else "method"
            if word in METHODS
            else "seed"
            if word.isdigit()
            else "dataset": word
            for word in words
        }
        own |= {"seed": int(own["seed"])} if "seed" in own else {}
        found.append(cell(pool, [NAN if one == "-" else int(one) for one in scores], **{**keys, **own}))
    return pd.concat(found)


def own_scores(*rows):
    """Scores that members got by themselves: rows of (member, dataset, scores), questions named by their place."""
    return pd.DataFrame(
        [
            {"seed": 1, "member": member, "dataset": dataset, "split": "test", "id": str(number), "score": score}
            for member, dataset, scores in rows
            for number, score in enumerate(scores)
        ]
    )


def pick(table, **keys):
    """The one row of `table` that has these values."""
    for key, value in keys.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def no_masks():
    return pd.DataFrame(columns=SUPERVISORS)
