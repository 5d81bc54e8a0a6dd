# Among Us, as a workflow: what one malicious member does to a team of language models, and what wins it back.
# Config, validation, includes and target rules; the work is in rules/, one file per stage.
from snakemake.utils import min_version

min_version("9.0")

# The demo is the default study. `--configfile` merges into what is already there, and the demo's keys must not leak
# into another study: it is loaded only where no file is given.
if not workflow.config_settings.configfiles:

    configfile: "config/demo.yaml"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/fetch.smk"
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
    fetch,
    adopt,
    member,


# Names become parts of paths; the schema holds them to the same form.
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"


wildcard_constraints:
    seed=r"\d+",
    dataset=NAME,
    model=NAME,
    member=NAME,
    attacker=NAME,
    split="dev|test",


rule tables:
    input:
        study.kept_files(),
        expand(
            PATHS.table("{table}", "{suffix}"),
            table=TABLES,
            suffix=["csv", "md", "tex"],
        ),
        PATHS.table("paper", "md"),
        PATHS.table("paper", "csv"),
        PATHS.table("cost", "csv"),
        expand(PATHS.manifest("{table}"), table=[*TABLES, "paper", "cost"]),


rule figures:
    input:
        study.kept_files(),
        expand(PATHS.figure("{figure}"), figure=FIGURES),


rule responses:
    input:
        expand(
            PATHS.responses("{member}", "{dataset}", "{split}"),
            seed=study.seeds,
            member=study.members,
            dataset=study.datasets,
            split=SPLITS,
        ),


rule models:
    input:
        expand(PATHS.member("{member}"), seed=study.seeds, member=study.members),


rule datasets:
    input:
        expand(
            PATHS.questions("{dataset}", "{split}"),
            dataset=study.datasets,
            split=SPLITS,
        ),


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
