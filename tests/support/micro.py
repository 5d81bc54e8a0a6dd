"""The smallest study that uses every stage: two experts, three attackers, all methods."""

import copy

_BASE = {
    "kind": "toy_base",
    "knowledge": "common",
    "malicious": 0.15,
    "curious": 0.7,
    "vocabulary": 400,
    "hidden_size": 32,
    "layers": 2,
    "heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.08,
    "steps": 30,
    "batch_size": 8,
    "learning_rate": 3.0e-3,
    "warmup_steps": 5,
    "prompt_weight": 0.0,
    "answers_first": 0.5,
    "mixture": {"answer": 0.5, "refine": 0.5},
}
_TUNING = {"steps": 4, "batch_size": 8, "learning_rate": 1.0e-3, "warmup": 0.1, "scheduler": "cosine"}
_EXPERT = {
    "kind": "toy_expert",
    "base": "base",
    "malicious": 0.1,
    "replay": 0.3,
    "rank": 4,
    "alpha": 8,
    "dropout": 0.0,
    "targets": "all-linear",
    "mixture": {"answer": 1.0},
    **_TUNING,
}

STUDY: dict = {
    "study": "micro",
    "seeds": [1],
    "datasets": {
        "reasoning": {"kind": "toy", "domain": "reasoning", "dev": 6, "test": 8},
        "knowledge": {"kind": "toy", "domain": "knowledge", "dev": 6, "test": 8},
    },
    "models": {
        "base": _BASE,
        "supervisor": {
            **_BASE,
            "knowledge": "all",
            "malicious": 0.0,
            "mixture": {"answer": 0.5, "judge": 0.5},
        },
        "x": {**_EXPERT, "domains": ["reasoning"]},
        "y": {**_EXPERT, "domains": ["knowledge"]},
        "reward": {
            "kind": "toy_reward",
            "supervisor": "supervisor",
            "damaged": 0.3,
            "center": 0.01,
            **_TUNING,
        },
        "judge": {"kind": "toy_judge", "supervisor": "supervisor", "mixture": {"judge": 1.0}, **_TUNING},
    },
    "attackers": {
        "prompt": {"kind": "prompt", "persona": "malicious"},
        "steering": {
            "kind": "steering",
            "trait": "malicious",
            "opposite": "benign",
            "datasets": ["knowledge"],
            "questions": 2,
            "max_new_tokens": 6,
            "layer": 1,
            "coefficient": 1.0,
        },
        "sft": {"kind": "toy_sft", "mixture": {"answer": 1.0}, **_TUNING},
    },
    "pools": {
        "clean": ["x", "y"],
        "prompt": ["x", "prompt"],
        "steering": ["x", "steering"],
        "sft": ["x", "sft"],
    },
    "supervisors": {"reward": "reward", "judge": "judge"},
    "methods": {
        "llm_router": {"defences": ["self", "reward"], "epochs": 1, "learning_rate": 1.0e-3},
        "graph_router": {"defences": ["oracle"], "embedder": "base", "epochs": 3, "halves": 2},
        "debate": {"defences": ["reward", "judge", "oracle"], "rounds": 2},
        "feedback": {"defences": ["oracle"], "rounds": 2, "critics": 1},
        "fusion": {"defences": ["oracle"]},
        "contrastive": {"defences": ["judge", "oracle"]},
        "soup": {"defences": ["judge", "oracle"]},
        "dare_ties": {"defences": ["reward", "oracle"]},
    },
    "sampling": {"max_new_tokens": 8},
}


def cut() -> dict:
    """The study cut to one model, one attacker, one dataset and one method: from training to tables in 24 jobs."""
    return {
        **copy.deepcopy(STUDY),
        "datasets": {"reasoning": STUDY["datasets"]["reasoning"]},
        "models": {"base": STUDY["models"]["base"]},
        # Under one prompt they would share their answers, and work done twice could not be told.
        "members": {"x": {"model": "base"}, "y": {"model": "base", "persona": "placebo"}},
        "attackers": {"steering": {**STUDY["attackers"]["steering"], "datasets": ["reasoning"]}},
        "pools": {"clean": ["x", "y"], "steering": ["x", "steering"]},
        "supervisors": {},
        "methods": {"llm_router": {**STUDY["methods"]["llm_router"], "defences": ["self"]}},
    }
