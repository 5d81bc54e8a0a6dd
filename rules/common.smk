# What the other files share: the study, its paths, and how its work is cut into jobs.
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

# Of this file's own folder: `basedir` is that of a workflow which uses this one as a module.
sys.path.insert(
    0, str(Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent / "workflow" / "scripts")
)

from amongus.core.errors import StudyError
from amongus.core.download import use_mirrors
from amongus.core.processes import prepare_environment
from amongus.datasets._sources import check_local
from amongus.members.prompts import load_personas, load_prompts, shown_characters
from amongus.report.design import design
from amongus.report.viewer import TABLES as VIEWED, viewer_digest
from amongus.scoring import installed, of_scored_code
from amongus.study import plugins
from amongus.study.code_digest import code_digest
from amongus.study.loading import load_study
from amongus.study.names import FIGURES, NAME, SPLITS, TABLES
from amongus.study.targets import cost_files, intermediate_targets, supervision
from amongus.study.validation import check_personas, check_prompts
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

use_mirrors(config.get("datasets_folder"), config.get("hub_folder"))

PATHS = study.paths
DESIGN = design(study)
DATASETS = list(study.datasets)
# Datasets whose answers a model scores, and those scored by their own metric.
GRADED = study.graded
SCORED = [dataset for dataset in DATASETS if dataset not in GRADED]
THREADS = config["resources"]["threads"]
SHOWN = shown_characters(config["sampling"]["max_new_tokens"])
# A job of a member or team makes the files of all datasets, or of one.
PER_DATASET = config["jobs"] == "per_dataset"


def each_dataset(path, datasets=DATASETS, **values):
    """The files of one job: `path` for each of `datasets`, unless a job makes one dataset's."""
    together = {} if PER_DATASET else {"dataset": datasets}
    return expand(path, **together, **values, allow_missing=True)


def job_name(name):
    """The name of a job's log and costs: that of its member or team and, if it makes one dataset, the dataset's."""
    return f"{name}.{{dataset}}" if PER_DATASET else name


def datasets_of(wildcards, datasets=DATASETS):
    """The datasets of one job."""
    return [wildcards.dataset] if PER_DATASET else list(datasets)


def one_of(names):
    """A pattern for wildcards that matches these names and no others."""
    return "|".join(map(re.escape, sorted(names))) or "(?!)"


def prompts(*names):
    """The named prompt templates as plain values: the narrowest part a rule depends on."""
    check_prompts(names, PROMPTS, config["prompts"])
    return {name: asdict(PROMPTS[name]) for name in names}


def corpus_prompts():
    """The templates that toy models are trained on, as far as the study has them."""
    return prompts(*(name for name in TEMPLATES if name in PROMPTS))


ROUTERS = [method for method in study.methods if study.routes(method)]
MERGES = [method for method in study.methods if study.merges(method)]


wildcard_constraints:
    seed=r"\d+",
    dataset=one_of(DATASETS),
    model=NAME,
    member=one_of(study.members),
    attacker=one_of(study.attackers),
    pool=one_of(study.pools),
    method=one_of(study.methods),
    split=one_of(SPLITS),
    table=one_of(TABLES),
    figure=one_of(FIGURES),
