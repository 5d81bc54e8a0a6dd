# Every member answers every question once; all pools, methods and defences read these answers.


rule respond:
    input:
        member=PATHS.member("{member}"),
        models=lambda wildcards: model_files(wildcards.member),
        questions=each_dataset(PATHS.questions("{dataset}", "{split}"), split=SPLITS),
    output:
        responses=each_dataset(PATHS.responses("{member}", "{dataset}", "{split}"), split=SPLITS),
        cost=PATHS.cost("respond", job_name("{member}")),
    log:
        PATHS.log("respond", job_name("{member}")),
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        sampling=config["sampling"],
        engine=config["engine"],
        store=config["store"],
        code=code_of("respond"),
    script:
        "../workflow/scripts/respond.py"
