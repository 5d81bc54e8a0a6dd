# Checkpoints, adapters and vectors trained here, and the members made of them.


rule train:
    input:
        parents=parent_models,
        data=training_data,
    output:
        directory(PATHS.model("{model}")),
        cost=PATHS.cost("train", "{model}"),
    log:
        PATHS.log("train", "{model}"),
    wildcard_constraints:
        model=one_of(study.trained),
    conda:
        "../envs/train.yaml"
    threads: training("threads")
    resources:
        **TRAINING_JOB,
    params:
        name="{model}",
        scratch=PATHS.scratch,
        plugin=lambda wildcards: study.plugin(wildcards.model),
        spec=lambda wildcards: study.entry(wildcards.model).settings(),
        parents=lambda wildcards: study.parents(wildcards.model),
        prompts=corpus_prompts(),
        personas=training_personas,
        machine=training_machine,
        code=training_code("train"),
    script:
        "../workflow/scripts/train.py"


rule extract_vector:
    input:
        parents=parent_models,
        questions=extraction_questions,
    output:
        vectors=PATHS.vectors("{attacker}"),
        cost=PATHS.cost("extract_vector", "{attacker}"),
    log:
        PATHS.log("extract_vector", "{attacker}"),
    wildcard_constraints:
        attacker=one_of(study.extracted),
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        name="{attacker}",
        plugin=lambda wildcards: study.plugin(wildcards.attacker),
        spec=lambda wildcards: study.entry(wildcards.attacker).settings(),
        parents=lambda wildcards: study.parents(wildcards.attacker),
        prompts=corpus_prompts(),
        personas=training_personas,
        datasets=lambda wildcards: study.extraction_datasets(wildcards.attacker),
        machine={key: config["engine"][key] for key in ("device", "dtype")},
        code=training_code("extract_vector"),
    script:
        "../workflow/scripts/extract_vector.py"


rule published_vector:
    output:
        vectors=PATHS.vectors("{attacker}"),
    log:
        PATHS.log("published_vector", "{attacker}"),
    wildcard_constraints:
        attacker=one_of(filter(study.published, study.attackers)),
    conda:
        "../envs/models.yaml"
    params:
        name="{attacker}",
        spec=lambda wildcards: study.published(wildcards.attacker),
        code=code_of("published_vector"),
    script:
        "../workflow/scripts/published_vector.py"


rule member:
    input:
        unpack(member_parts),
    output:
        PATHS.member("{member}"),
    log:
        PATHS.log("member", "{member}"),
    conda:
        "../envs/data.yaml"
    resources:
        **PLAIN_JOB,
    params:
        name="{member}",
        description=lambda wildcards: study.member_description(wildcards.member),
        personas=member_personas,
        code=member_code,
    script:
        "../workflow/scripts/member.py"
