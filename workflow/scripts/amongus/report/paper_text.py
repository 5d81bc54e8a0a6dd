"""What a study is and where it differs from the paper's, as Markdown."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from jinja2 import Environment

from amongus.report.render import markdown_text
from amongus.report.scores import Design

EXTERNAL = ("reward", "judge")
"""The defences by a model outside the team."""
PAPER_DATASETS = {
    "reasoning": {"gsm8k": 1000, "nlgraph": 1000},
    "knowledge": {"mmlu_redux": 1000, "truthfulqa": 617},
    "code": {"humaneval": 140, "ds1000": 800},
    "instruction": {"ifeval": 500, "ifbench": 250},
    "safety": {"coconot": 1000, "safetybench": 1000},
}
"""Domain -> dataset -> the paper's test questions (published data files)."""

_TEMPLATE = """\
{% macro beside(own, paper) %}
{{ paper | select("in", own) | listed or "none" }} (of the paper's {{ paper | count }}).
{%- if paper | reject("in", own) | list %} Absent: {{ paper | reject("in", own) | listed }}.{% endif %}
{%- if own | reject("in", paper) | list %} Not of the paper: {{ own | reject("in", paper) | listed }}.{% endif %}
{%- endmacro %}
## This study, beside the paper's

- **Study**: {{ design.study | md }}; seeds: {{ design.seeds | listed }}; fidelity: {{ design.fidelity | md }}; \
judge: {{ design.judge_form | md }} (the paper's: listwise).
- **Models**: {{ models | join("; ") }}. Members of the clean pool: {{ design.pools.clean | count }}. \
The paper's 6: five LoRA experts on Qwen2.5-7B-Instruct, and that model, whose place the attacker takes.
- **Methods**: {{ beside(methods, ["llm_router", "graph_router", "debate", "feedback", "fusion", "contrastive", "soup", \
"dare_ties"]) }}
- **Attackers**: {{ beside(attackers, ["prompt", "steering", "sft", "grpo"]) }}
- **External supervisors**: {{ beside(supervisors, external) }}
{% if other_pools %}
- **Pools in no average**, as they have not one attacker, or a placebo: {{ other_pools | listed }}.
{% endif %}
{% if left_out %}
- **Not in the average drops**, as some attacked pool cannot run them: {{ left_out | listed }}.
{% endif %}
{% if dependent %}
- **Supervisors that are not independent**: {{ dependent | listed }}.
{% endif %}
{% for model, datasets in (design.graded | default({})).items() %}
- **Scored by the grader {{ model | md }}**: {{ datasets | listed }} (the paper's: ds1000, by TIGER-Lab/general-verifier).
{% endfor %}
{% for domain, here in datasets.items() %}
{% set paper = paper_datasets[domain] | default({}) %}
{% set absent = paper | reject("in", here.values() | list) | list %}
- **Questions, {{ domain | md }}**: {% for name, kind in here.items() %}
{{ name | md }} ({{ questions[name] | default(0) }} test questions; \
{{ "the paper: " ~ paper[kind] if kind in paper else "not of the paper" }}){{ ", " if not loop.last }}
{%- else %}none{% endfor %}.{% if absent %} Absent: {{ absent | listed }}.{% endif %}

{% endfor %}
{% for one in unscored %}
- **Not scored, so in no figure**: {{ one.texts }} of {{ one.all_texts }} answers to {{ one.dataset | md }}, to \
{{ one.ids }} of {{ one.all_ids }} test questions: {{ one.reasons | listed }}.
{% endfor %}
"""


def study_text(design: Mapping[str, Any], table: pd.DataFrame, scores: pd.DataFrame) -> str:
    """The section that describes the study.

    Args:
        design: plain values, as `design.design` gives them.
        table: as from `paper.headline`.
        scores: a row per answer of a team, with dataset, id, and the reason why its score is NaN, else an empty text.
    """
    plain, kinds = Design(design), design["kinds"]
    averaged = set(", ".join(table.loc[table["figure"] == "drop", "methods"]).split(", "))
    own = {name: (domain, kinds["datasets"][name]) for name, domain in design["domains"].items()}
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters.update(md=lambda text: markdown_text(str(text)), listed=_listed)
    return environment.from_string(_TEMPLATE).render(
        design=design,
        models=_models(design["models"]),
        methods=list(dict.fromkeys(kinds["methods"].values())),
        attackers=list(dict.fromkeys(design["attackers"].values())),
        external=EXTERNAL,
        supervisors=[name for name in EXTERNAL if name in plain.defences],
        other_pools=[pool for pool in plain.attacked if pool not in plain.headline_pools],
        left_out=[name for name in design["levels"] if name not in averaged],
        dependent=list(dict.fromkeys(f"{o['defence']}: {o['reason']}" for o in design["overlaps"])),
        paper_datasets=PAPER_DATASETS,
        datasets={
            domain: {name: kind for name, (of, kind) in own.items() if of == domain}
            for domain in dict.fromkeys([*PAPER_DATASETS, *design["domains"].values()])
        },
        questions=scores.groupby("dataset")["id"].nunique().to_dict(),
        unscored=_unscored(scores),
    )


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(markdown_text(str(name)) for name in names)


def _models(models: Mapping[str, Mapping[str, str]]) -> list[str]:
    """How many models of which kinds were trained here, and which were downloaded from where."""
    trained = Counter(model["kind"] for model in models.values() if not model.get("source"))
    parts = {
        "trained on the spot": [f"{count} {kind}" for kind, count in trained.items()],
        "fetched": [f"{name} ({model['source']})" for name, model in models.items() if model.get("source")],
    }
    return [f"{label}: {_listed(names)}" for label, names in parts.items() if names]


def _unscored(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Per dataset with answers that could not be scored, how many there are and why."""
    found = []
    for dataset, rows in scores.groupby("dataset", sort=False):
        failed = rows[rows["reason"] != ""]
        if len(failed):
            reasons = [f"{reason} ({count})" for reason, count in failed["reason"].value_counts().items()]
            sizes = {"texts": len(failed), "all_texts": len(rows)}
            ids = {"ids": failed["id"].nunique(), "all_ids": rows["id"].nunique()}
            found.append({"dataset": dataset, **sizes, **ids, "reasons": reasons})
    return found
