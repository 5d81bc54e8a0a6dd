# Questions, one parquet per dataset and split, for each seed; and training data, once per study.


rule dataset:
    input:
        source=lambda wildcards: checked_source(wildcards.dataset),
    output:
        dev=PATHS.questions("{dataset}", "dev"),
        test=PATHS.questions("{dataset}", "test"),
    log:
        PATHS.log("dataset", "{dataset}"),
    priority: 100
    conda:
        "../envs/data.yaml"
    resources:
        **PLAIN_JOB,
    params:
        name="{dataset}",
        spec=lambda wildcards: study.dataset_spec(wildcards.dataset),
        code=dataset_code,
    script:
        "../workflow/scripts/dataset.py"


rule training_data:
    input:
        source=lambda wildcards: study.data[wildcards.name].path or [],
    output:
        PATHS.data("{name}"),
    log:
        f"{PATHS.root}/logs/training_data/{{name}}.log",
    wildcard_constraints:
        name=one_of(study.data),
    conda:
        "../envs/data.yaml"
    params:
        name="{name}",
        spec=lambda wildcards: study.data[wildcards.name].plain(),
        code=code_of("training_data"),
    script:
        "../workflow/scripts/training_data.py"
