# Among Us, as a workflow: what one malicious member does to a team of language models, and what wins it back.
# Config, validation, includes and target rules; the work is in rules/, one file per stage.
from snakemake.utils import min_version

min_version("9.0")

# The demo is the default study. `--configfile` merges into what is loaded, and the demo's keys must not leak into another
# study: it is loaded only where none is named.
if "study" not in config:

    configfile: workflow.source_path("config/demo.yaml")


include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/inputs.smk"
include: "rules/data.smk"
include: "rules/hub.smk"
include: "rules/models.smk"
include: "rules/respond.smk"
include: "rules/score.smk"
include: "rules/supervise.smk"
include: "rules/learn.smk"
include: "rules/collaborate.smk"
include: "rules/report.smk"


# `--resources gpu=N` limits the jobs on this machine; on a cluster the scheduler counts.
resource_scopes:
    gpu="local",


localrules:
    all,
    tables,
    figures,
    responses,
    models,
    datasets,
    # These need the network, or next to nothing.
    dataset,
    training_data,
    published_vector,
    download_model,
    link_model,
    member,


rule tables:
    input:
        intermediate_files,
        expand(PATHS.table("{table}", "{suffix}"), table=TABLES, suffix=["csv", "md", "tex"]),
        expand(PATHS.manifest("{table}"), table=TABLES),


rule figures:
    input:
        intermediate_files,
        expand(PATHS.figure("{figure}"), figure=FIGURES),


rule responses:
    input:
        all_responses,


rule models:
    input:
        all_members,


rule datasets:
    input:
        expand(PATHS.questions("{dataset}", "{split}"), seed=study.seeds, dataset=DATASETS, split=SPLITS),


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        PATHS.viewer,
