"""The smallest study that uses every stage: two experts, three attackers, all methods."""

import copy

from examples import examples

STUDY: dict = examples("micro")


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
