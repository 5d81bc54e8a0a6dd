# Checkpoints and adapters of the hub: fetched once per study, where the network is, and taken over by each seed.


rule download_model:
    output:
        directory(PATHS.fetched("{model}")),
    log:
        f"{PATHS.root}/logs/download_model/{{model}}.log",
    wildcard_constraints:
        model=one_of(study.fetched),
    priority: 100
    conda:
        "../envs/data.yaml"
    params:
        wanted=lambda wildcards: study.repository(wildcards.model),
        code=code_of("download_model"),
    script:
        "../workflow/scripts/download_model.py"


rule link_model:
    input:
        PATHS.fetched("{model}"),
    output:
        directory(PATHS.model("{model}")),
    log:
        PATHS.log("link_model", "{model}"),
    wildcard_constraints:
        model=one_of(study.fetched),
    conda:
        "../envs/data.yaml"
    params:
        code=code_of("link_model"),
    script:
        "../workflow/scripts/link_model.py"
