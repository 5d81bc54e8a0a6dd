"""A small study of every kind of part, to be changed one key at a time."""

import copy

import micro
from amongus.study.loading import load_study

MODELS = {key: micro.STUDY["models"][key] for key in ("base", "supervisor", "x", "y", "judge")}
SFT = micro.STUDY["attackers"]["sft"]
TUNING = {"batch_size": 2, "learning_rate": 1.0, "warmup": 0.1, "scheduler": "cosine"}
LIES = {"data": "lies", "epochs": 1, "max_length": 9}
CONFIG = {
    "study": "s",
    "seeds": [1],
    "datasets": {"gsm8k": {}, "coconot": {}},
    "models": {**MODELS, "z": MODELS["y"]},
    "attackers": {"evil": {"kind": "prompt"}, "bad": SFT},
    "pools": {
        "clean": ["x", "y", "z"],
        "evil": ["x", "y", "evil"],
        "bad": ["x", "y", "bad"],
        "two": ["x", "evil", "bad"],
    },
    "supervisors": {"judge": "judge"},
    "methods": {"debate": {"defences": ["judge", "oracle"]}, "soup": {}},
}


def study(**changes):
    """The study with the given keys of its config replaced."""
    return load_study({**copy.deepcopy(CONFIG), **changes})
