# Checkpoints and adapters of the hub: fetched once per study, where the network is, and taken over by each seed.


rule fetch:
    output:
        directory(PATHS.fetched("{model}")),
    log:
        f"{PATHS.root}/logs/fetch/{{model}}.log",
    wildcard_constraints:
        model=one_of(study.fetched),
    priority: 100
    conda:
        "../envs/data.yaml"
    params:
        wanted=lambda wildcards: study.repository(wildcards.model),
        code=code_digest("fetch"),
    script:
        "../workflow/scripts/fetch.py"


rule adopt:
    input:
        PATHS.fetched("{model}"),
    output:
        directory(PATHS.model("{model}")),
    log:
        PATHS.log("adopt", "{model}"),
    wildcard_constraints:
        model=one_of(study.fetched),
    conda:
        "../envs/data.yaml"
    params:
        code=code_digest("adopt"),
    script:
        "../workflow/scripts/adopt.py"
