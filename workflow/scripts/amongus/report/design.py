"""A study as its tables see it: what was run, and what it means."""

from typing import Any

from amongus.study import plugins
from amongus.study.independence import overlaps, source
from amongus.study.study import Study


def design(study: Study) -> dict[str, Any]:
    """What the tables need to know of a study, as plain values (`scores.Design` reads them)."""
    config = study.config
    return {
        "study": study.name,
        "seeds": study.seeds,
        "pools": study.pools,
        # The paper's name for what attackers of a kind do, where their module gives it (`toy_sft` is `sft`).
        "attackers": {
            name: plugins.fact("attackers", entry.kind, "ATTACK", entry.kind) for name, entry in study.attackers.items()
        },
        "replaces": {name: study.replaced(name) for name in study.attackers},
        "controls": study.controls,
        "levels": {method: study.level(method) for method in study.methods},
        "defences": {method: study.defences(method) for method in study.methods},
        "domains": {dataset: study.domain(dataset) for dataset in study.datasets},
        "applicable": {
            pool: {method: study.applicable(pool, method) for method in study.methods} for pool in study.pools
        },
        "bootstrap": config.bootstrap.plain(),
        "fidelity": config.fidelity,
        "judge_form": config.supervisors.judge_form,
        "models": {name: {"kind": entry.kind, "source": source(entry)} for name, entry in study.models.items()},
        "kinds": {
            "methods": {method: study.methods[method].kind for method in study.methods},
            "datasets": {dataset: study.datasets[dataset].kind for dataset in study.datasets},
        },
        "placebos": [name for name, entry in study.attackers.items() if entry.placebo],
        "overlaps": [
            {"pool": pool, "defence": defence, "reason": reason} for (pool, defence), reason in overlaps(study).items()
        ],
        **({"graded": {config.supervisors.grader: study.graded}} if study.graded else {}),
    }
