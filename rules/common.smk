# What the other files share: the study, its paths, and input functions.
import os
import re
import sys
from dataclasses import asdict
from functools import cache
from itertools import product
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from amongus.study import plugins
from amongus.inference.answer_cache_permissions import share_store
from amongus.study.validation import check_personas, check_prompts
from amongus.study.loading import load_study
from amongus.datasets._sources import check_local
from amongus.report.design import design
from amongus.study.code_digest import code_digest
from amongus.core.errors import StudyError
from amongus.scoring.libraries import installed, of_scored_code
from amongus.core.processes import prepare_environment
from amongus.core.offline import use_mirrors
from amongus.members.prompts import load_personas, load_prompts, shown_characters
from amongus.study.names import FIGURES, SPLITS, TABLES
from amongus.toy.corpus import TEMPLATES

prepare_environment()

try:
    study = load_study(config, [os.path.relpath(path) for path in workflow.configfiles])
    PROMPTS = load_prompts(study.config.prompts)
    PERSONAS = load_personas(study.config.personas)
    check_personas(study, PERSONAS)
except StudyError as error:
    raise WorkflowError(str(error)) from None
# What rules and manifests read: plain values, with defaults.
config.clear()
config.update(study.config.plain())

share_store(config.get("store_group"))
use_mirrors(config.get("datasets_folder"), config.get("hub_folder"))

PATHS = study.paths
DESIGN = design(study)

THREADS = config["resources"]["threads"]
SHOWN = shown_characters(config["sampling"]["max_new_tokens"])


def by_attempt(amount):
    """A resource that grows with every attempt: what ran out of memory or time gets more of both."""

    def grown(wildcards, attempt):
        return amount * attempt

    return grown


def given(**resources):
    """Those resources that the config sets; the others are left to the profile and to the cluster's defaults."""
    return {name: value for name, value in resources.items() if value not in (None, 0)}


def gpu_model(gpus):
    """The kind of GPU that a job asks for, if it asks for any."""
    return ASKED.get("gpu_model") if gpus else None


# What a job asks for that runs a model, and one that does not.
ASKED = config["resources"]
GPU = study.config.gpus_per_job
PLAIN_JOB = given(slurm_account=ASKED.get("account"))
MODEL_JOB = {
    "gpu": GPU,
    "mem_mb": by_attempt(ASKED["mem_mb"]),
    "runtime": by_attempt(ASKED["runtime"]),
    **given(gpu_model=gpu_model(GPU), slurm_partition=ASKED.get("partition")),
    **PLAIN_JOB,
}


def training(name, grows=False):
    """What a training asks for, its own or that of all model jobs."""

    def asked(wildcards, attempt):
        return study.training_resources(wildcards.model)[name] * (attempt if grows else 1)

    return asked


def training_gpus(wildcards):
    """The GPUs of a training."""
    return study.training_resources(wildcards.model)["gpu"]


def training_gpu_model(wildcards):
    """The kind of a training's GPUs."""
    return gpu_model(training_gpus(wildcards))


TRAINING_JOB = {
    **MODEL_JOB,
    "gpu": training_gpus,
    "gpu_model": training_gpu_model,
    "mem_mb": training("mem_mb", grows=True),
    "runtime": training("runtime", grows=True),
}


def scoring_job(datasets):
    """What scoring asks for: where answers are run, memory for as many at a time as there are threads."""
    limits = execution_limits(datasets)
    if not limits:
        return PLAIN_JOB
    return {"mem_mb": by_attempt(1000 + THREADS * limits["memory_mb"]), **PLAIN_JOB}


def prompts(*names):
    """The named prompt templates as plain values: the narrowest part a rule depends on."""
    check_prompts(names, PROMPTS, config["prompts"])
    return {name: asdict(PROMPTS[name]) for name in names}


def corpus_prompts():
    """The templates that toy models are trained on, as far as the study has them."""
    return prompts(*(name for name in TEMPLATES if name in PROMPTS))


def per_seed(batches):
    """Each seed's paths beside each batch.

    Rules that are made in a loop name their seed instead of matching it: a wildcard would have every file looked for
    among the outputs of them all, which on a study of thousands of cells takes minutes.
    """
    return product(map(PATHS.at, study.seeds), batches)


def rule_name(rule, paths, batch):
    """The name of a batch's rule."""
    return f"{rule}_{batch.name}.seed-{paths.seed}"


def one_of(names):
    """A pattern for wildcards that matches the given names and no others."""
    return "|".join(map(re.escape, sorted(names))) or "(?!)"


def training_data(wildcards):
    """The parquet of the data a model is trained on, if it is not of the toy world."""
    name = study.training_data(wildcards.model)
    return [PATHS.data(name)] if name else []


def training_machine(wildcards):
    """Where and how a training from data runs; toy trainings run in the job's own process on the CPU."""
    if not study.training_data(wildcards.model):
        return {}
    engine = {key: config["engine"][key] for key in ("device", "dtype")}
    file = study.accelerate(wildcards.model)
    own = {"accelerate": yaml.safe_load(Path(file).read_text())} if file else {}
    return {**engine, "processes": study.processes(wildcards.model), **own}


def training_personas(wildcards):
    """The personas that a training speaks under: those of the toy world, and those its config names."""
    spec = study.trained_spec(wildcards.get("model") or wildcards.attacker)
    named = {"benign", "malicious", *(spec.get(key) for key in ("persona", "trait", "opposite"))}
    return {name: PERSONAS[name] for name in sorted(named & set(PERSONAS))}


@cache
def checked_source(dataset):
    """The local file that a dataset's rows come from, if it has one, checked once.

    Asked when a DAG holds the dataset, so before anything is trained, and not for the plan or the doctor. What comes
    from a URL is checked when it is fetched.
    """
    spec = study.dataset_spec(dataset)
    if workflow.is_main_process:
        try:
            check_local(dataset, spec)
        except StudyError as error:
            raise WorkflowError(str(error)) from None
    return [spec["path"]] if spec.get("path") else []


def dataset_source(wildcards):
    """The local file a dataset's rows come from, if it has one."""
    return checked_source(wildcards.dataset)


def dataset_code(wildcards):
    """Digest of what makes a dataset's questions."""
    return code_digest("dataset", plugins.entry("datasets", study.dataset_kind(wildcards.dataset)))


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


def member_models(member, paths=PATHS):
    """Folders of the checkpoints a member loads, and the vector of a steered one."""
    vector = [paths.vectors(member)] if study.steered(member) else []
    return [paths.model(model) for model in study.member_weights(member)] + vector


def member_code(wildcards):
    """Digest of what puts a member together."""
    if wildcards.member not in study.attackers:
        return code_digest("member")
    kind = study.attackers[wildcards.member].kind
    return code_digest("member", plugins.entry("attackers", kind))


def scorers(datasets):
    """The modules that score the given datasets, as `code_digest` names them."""
    modules = [f"amongus.scoring.metrics.{metric}" for metric in metrics(datasets)]
    references = [plugins.entry("datasets", study.dataset_kind(d)) for d in datasets if d in study.verified]
    return [*modules, *references, *(["amongus.scoring.model_grader"] if references else [])]


def metrics(datasets):
    """The scoring modules of those of the given datasets that no verifier scores."""
    return [study.metric(dataset) for dataset in datasets if dataset not in study.verified]


def execution_limits(datasets):
    """What a run of an answer may use, where one of the given datasets is scored by running answers; else nothing."""
    executed = any(plugins.fact("scoring.metrics", metric, "EXECUTES", False) for metric in metrics(datasets))
    return config["scoring"] if executed else {}


def code_libraries(datasets):
    """Which libraries that answers to the given datasets may import are installed, as a param.

    With one more, items that were NaN are scored. Where jobs have conda environments, what is installed here says nothing;
    their files do, which Snakemake watches.
    """
    named = of_scored_code(metrics(datasets))
    if not named:
        return {}
    own = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    return {"libraries": "conda" if own else sorted(filter(installed, named))}


def verifier(paths, datasets):
    """The folder of the model that scores answers to some of the given datasets, if it does."""
    verified = set(datasets) & set(study.verified)
    return [paths.model(config["supervisors"]["verifier"])] if verified else []


def verifying(datasets):
    """How the verifier is asked about answers to the given datasets; nothing where it scores none of them."""
    kinds = {dataset: study.dataset_kind(dataset) for dataset in datasets if dataset in study.verified}
    greedy = {"temperature": 0, "top_p": 1, "max_new_tokens": config["supervisors"]["verifier_tokens"]}
    template = prompts("verifier.question")["verifier.question"] if kinds else None
    return {"kinds": kinds, "template": template, "limit": SHOWN, "sampling": greedy} if kinds else {}


def dev_scores(paths, pool, datasets):
    """Scores of a pool's members on dev."""
    return [paths.response_scores(m, d, "dev") for m, d in product(study.pools[pool], datasets)]


def dev_responses(paths, pool, datasets):
    """Answers of a pool's members on dev."""
    return [paths.responses(m, d, "dev") for m, d in product(study.pools[pool], datasets)]


def supervision(paths, pool, datasets, split, needs):
    """Rewards and verdicts of a pool's members, as far as `needs` names them."""
    if "verdicts" in needs and study.judges("listwise"):
        ranked = [paths.rankings(pool, d, split) for d in datasets]
        return [*ranked, *supervision(paths, pool, datasets, split, set(needs) - {"verdicts"})]
    tables = {"rewards": paths.rewards, "verdicts": paths.verdicts}
    return [
        tables[need](m, d, split)
        for need, m, d in product(sorted(set(needs) & set(tables)), study.pools[pool], datasets)
    ]


def learned(paths, method, cells):
    """What `method` has learned for the given cells, each folder once."""
    if not study.learns(method):
        return []
    folders = [paths.learned(p, m, study.learned_under(m, defence), d) for p, m, defence, d in cells]
    return list(dict.fromkeys(folders))


def pool_attackers(pool, told):
    """The attackers of a pool, for those who may know: a control."""
    return sorted(set(study.pools[pool]) & set(study.attackers)) if told else []


def defence_modules(defences):
    """The modules of the given defences, as `code_digest` names them."""
    return [plugins.entry("defences", study.defence_kinds[defence]) for defence in defences]


def unique(cells, place):
    """The distinct values at `place` of each cell, in order."""
    return list(dict.fromkeys(cell[place] for cell in cells))


def caption(name):
    """The text beside a table or figure in the report."""
    return str(Path(workflow.basedir) / "resources" / "captions" / f"{name}.rst")
