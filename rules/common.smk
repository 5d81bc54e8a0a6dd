# What the other files share: the study, its paths, and input functions.
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config, validate

sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from amongus import rooms
from amongus.access import share_store
from amongus.checks import check_personas, check_prompts
from amongus.configs import one_line, typed
from amongus.datasets.sources import check_local
from amongus.design import design
from amongus.digest import code_digest
from amongus.errors import StudyError
from amongus.machine import check_gpus, claim, prepare_environment, release_dead
from amongus.prompts import load_personas, load_prompts, shown_characters
from amongus.study import SPLITS, Study
from amongus.toy.corpus import TEMPLATES

prepare_environment()

update_config(config, typed(workflow.config_settings.config))
try:
    validate(config, str(Path(workflow.basedir) / "config" / "schema.yaml"))
    study = Study(config)
    PROMPTS = load_prompts(config["prompts"])
    PERSONAS = load_personas(config["personas"])
    check_personas(study, PERSONAS)
    if workflow.is_main_process:
        release_dead()
        # Before anything is trained; what comes from a URL is checked when it is fetched.
        for name, spec in study.datasets.items():
            check_local(name, spec)
except StudyError as error:
    raise WorkflowError(str(error)) from None
except WorkflowError as error:
    raise WorkflowError(one_line(error)) from None

share_store(config.get("store_group"))

PATHS = study.paths
DESIGN = design(study)
TABLES = ["alone", "impact", "mitigation", "supervisors", "refusals"]
FIGURES = ["impact", "mitigation", "supervisors"]

GPU = max(study.config["resources"]["gpu"], int(config["engine"]["device"] == "cuda"))
MEM_MB = config["resources"]["mem_mb"]
RUNTIME = config["resources"]["runtime"]
THREADS = config["resources"]["threads"]
SHOWN = shown_characters(config["sampling"]["max_new_tokens"])


def prompts(*names):
    """The named prompt templates as plain values: the narrowest part a rule depends on."""
    check_prompts(names, PROMPTS, config["prompts"])
    return {name: asdict(PROMPTS[name]) for name in names}


def corpus_prompts():
    """The templates that toy models are trained on, as far as the study has them."""
    return prompts(*(name for name in TEMPLATES if name in PROMPTS))


def training_personas(wildcards):
    """The personas that a training speaks under: those of the toy world, and those its config names."""
    spec = study.trained_spec(wildcards.get("model") or wildcards.attacker)
    named = {"benign", "malicious", *(spec.get(key) for key in ("persona", "trait", "opposite"))}
    return {name: PERSONAS[name] for name in sorted(named & set(PERSONAS))}


def dataset_source(wildcards):
    """The local file a dataset's rows come from, if it has one."""
    path = study.datasets[wildcards.dataset].get("path")
    return [path] if path else []


def dataset_code(wildcards):
    """Digest of what makes a dataset's questions."""
    return code_digest("dataset", rooms.entry("datasets", study.dataset_kind(wildcards.dataset)))


def parent_models(wildcards):
    """Folders of the models that a trained model is made from."""
    name = wildcards.get("model") or wildcards.attacker
    return [PATHS.model(parent) for parent in study.parents(name).values()]


def extraction_questions(wildcards):
    """Dev questions that an attacker's vector is extracted over."""
    return [PATHS.questions(d, "dev") for d in study.extraction_datasets(wildcards.attacker)]


def training_code(wildcards):
    """Digest of what trains a model or an adapter."""
    return code_digest("train", study.training_entry(wildcards.model))


def extraction_code(wildcards):
    """Digest of what extracts an attacker's vector."""
    return code_digest("extract_vector", study.training_entry(wildcards.attacker))


def member_personas(wildcards):
    """The personas that a member may speak under."""
    spec = study.member_description(wildcards.member)
    named = [spec["persona"], spec.get("attacker", {}).get("persona", "malicious")]
    return {name: PERSONAS[name] for name in named if name in PERSONAS}


def member_models(member):
    """Folders of the checkpoints a member loads, and the vector of a steered one."""
    vector = [PATHS.vectors(member)] if study.steered(member) else []
    return [PATHS.model(model) for model in study.member_weights(member)] + vector


def member_code(wildcards):
    """Digest of what puts a member together."""
    if wildcards.member not in study.attackers:
        return code_digest("member")
    kind = study.attackers[wildcards.member]["kind"]
    return code_digest("member", rooms.entry("attackers", kind))


def scorers(datasets):
    """The scoring modules of the given datasets, as `code_digest` names them."""
    return [f"amongus.scoring.{study.metric(dataset)}" for dataset in sorted(set(datasets))]


def execution_limits(datasets):
    """What a run of an answer may use, where one of the given datasets is scored by running answers; else nothing."""
    executed = any(rooms.fact("scoring", study.metric(d), "EXECUTES", False) for d in datasets)
    return config["scoring"] if executed else {}


def dev_scores(pool, datasets):
    """Scores of a pool's members on dev."""
    return [PATHS.response_scores(m, d, "dev") for m, d in product(study.pools[pool], datasets)]


def dev_responses(pool, datasets):
    """Answers of a pool's members on dev."""
    return [PATHS.responses(m, d, "dev") for m, d in product(study.pools[pool], datasets)]


def supervision(pool, datasets, split, needs):
    """Rewards and verdicts of a pool's members, as far as `needs` names them."""
    if "verdicts" in needs and study.judges("listwise"):
        ranked = [PATHS.rankings(pool, d, split) for d in datasets]
        return [*ranked, *supervision(pool, datasets, split, set(needs) - {"verdicts"})]
    tables = {"rewards": PATHS.rewards, "verdicts": PATHS.verdicts}
    return [
        tables[need](m, d, split)
        for need, m, d in product(sorted(set(needs) & set(tables)), study.pools[pool], datasets)
    ]


def learned(method, cells):
    """What `method` has learned for the given cells, each folder once."""
    if not study.learns(method):
        return []
    folders = [PATHS.learned(p, m, study.learned_under(m, defence), d) for p, m, defence, d in cells]
    return list(dict.fromkeys(folders))


def pool_attackers(pool, told):
    """The attackers of a pool, for those who may know: a control."""
    return sorted(set(study.pools[pool]) & set(study.attackers)) if told else []


def defence_modules(defences):
    """The modules of the given defences, as `code_digest` names them."""
    return [rooms.entry("defences", study.defence_kinds[defence]) for defence in defences]


def unique(cells, place):
    """The distinct values at `place` of each cell, in order."""
    return list(dict.fromkeys(cell[place] for cell in cells))


def caption(name):
    """The text beside a table or figure in the report."""
    return str(Path(workflow.basedir) / "resources" / "captions" / f"{name}.rst")
