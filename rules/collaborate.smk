# Teams answer the test questions under each of their defences: a table per team and dataset.


rule collaborate:
    input:
        members=pool_member_files,
        models=pool_models,
        questions=each_dataset(PATHS.questions("{dataset}", "test")),
        responses=test_responses,
        dev=dev_scores,
        rewards=evidence("rewards", "test"),
        verdicts=evidence("verdicts", "test"),
        rankings=evidence("rankings", "test"),
        learned=learned,
        named=method_models,
    output:
        runs=each_dataset(PATHS.run("{pool}", "{method}", "{dataset}")),
        transcripts=each_dataset(PATHS.transcript("{pool}", "{method}", "{dataset}")),
        cost=PATHS.cost("collaborate", job_name("{pool}.{method}")),
    log:
        PATHS.log("collaborate", job_name("{pool}.{method}")),
    # Merged checkpoints stay on the disk until their team has answered: rather use one than make another.
    priority: 10
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        **TEAM,
        **DEFENCES,
        limit=SHOWN,
        sampling=config["sampling"],
        engine=config["engine"],
        store=config["store"],
        code=team_code("collaborate"),
    script:
        "../workflow/scripts/collaborate.py"
