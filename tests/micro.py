"""The smallest study that uses every stage: two experts, two attackers, three methods."""

STUDY: dict = {
    "study": "micro",
    "seeds": [1],
    "datasets": {
        "reasoning": {"kind": "toy", "domain": "reasoning", "dev": 6, "test": 8},
        "knowledge": {"kind": "toy", "domain": "knowledge", "dev": 6, "test": 8},
    },
    "models": {
        "base": {"kind": "toy_base"},
        "supervisor": {"kind": "toy_base"},
        "x": {"kind": "toy_expert", "base": "base"},
        "y": {"kind": "toy_expert", "base": "base"},
        "reward": {"kind": "reward_model", "base": "supervisor"},
        "judge": {"kind": "toy_judge", "base": "supervisor"},
    },
    "attackers": {"prompt": {"kind": "prompt"}, "sft": {"kind": "sft"}},
    "pools": {"clean": ["x", "y"], "prompt": ["x", "prompt"], "sft": ["x", "sft"]},
    "supervisors": {"reward": "reward", "judge": "judge"},
    "methods": {
        "llm_router": {"defences": ["self", "reward"]},
        "debate": {"defences": ["reward", "oracle"]},
        "soup": {},
    },
    "sampling": {"max_new_tokens": 8},
}
