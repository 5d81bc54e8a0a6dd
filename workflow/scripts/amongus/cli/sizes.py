"""How large the checkpoints of a study are, and how many lie there at once: for the plan and the doctor."""

from amongus.study import plugins
from amongus.study.study import Batch, Study

CHECKPOINTS = 3
"""Of a training with `checkpoint_every`: two are kept while the next is written (`training.tuning`)."""
_STATES = 3
"""What is trained, in float32, lies in a checkpoint with Adam's two moments of it."""


def gigabytes(study: Study, name: str) -> float:
    """The size of a model's files: its own `gigabytes`, else what the plan expects of its kind.

    Full fine-tuning keeps its base's weights in float32, twice the size of half precision.
    """
    spec, expected = study.trained_spec(name), study.config["plan"]
    if spec.get("gigabytes"):
        return spec["gigabytes"]
    if name not in study.attackers:
        adapter = plugins.fact("models", spec["kind"], "LORA", False)
    elif study.trains(name) == "model":
        wider = 1 if study.config["engine"]["dtype"] == "float32" else 2
        return wider * gigabytes(study, study.parents(name)["base"])
    else:
        adapter = True
    return expected["adapter_gigabytes" if adapter else "model_gigabytes"]


def checkpoints(study: Study, name: str) -> float:
    """GB of a training's checkpoints while it runs, at most; nothing is left of them."""
    spec = study.trained_spec(name)
    if not spec.get("checkpoint_every"):
        return 0
    # FSDP has the weights written by accelerate and, gathered, by transformers.
    states = _STATES + bool(spec.get("accelerate"))
    return CHECKPOINTS * states * gigabytes(study, name)


def merges(study: Study, batch: Batch) -> int:
    """Merged checkpoints that differ among a batch's cells, at most; 0 where the method merges nothing.

    Teams that leave out the same member share a merge: of n members there are n + 1 at most.
    """
    pool, method = batch.cells[0][:2]
    if study.learns(method) != "weights":
        return 0
    per_dataset = plugins.fact("methods", study.method_kind(method), "PER_DATASET", True)
    teams: dict[str, set[str]] = {}
    for _, _, defence, dataset in batch.cells:
        teams.setdefault(dataset if per_dataset else "", set()).add(defence)
    return sum(min(len(defences), len(study.pools[pool]) + 1) for defences in teams.values())
