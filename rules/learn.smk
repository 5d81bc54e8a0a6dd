# What teams learn from dev before they collaborate: a router, or the merged checkpoints of each defence.


rule train_router:
    input:
        members=pool_member_files,
        models=pool_models,
        questions=each_dataset(PATHS.questions("{dataset}", "dev")),
        scores=dev_scores,
        rewards=evidence("rewards", "dev"),
        responses=dev_responses,
        named=method_models,
    output:
        routers=directory(each_dataset(PATHS.router("{pool}", "{method}", "{dataset}"))),
        cost=PATHS.cost("train_router", job_name("{pool}.{method}")),
    log:
        PATHS.log("train_router", job_name("{pool}.{method}")),
    wildcard_constraints:
        method=one_of(ROUTERS),
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        **TEAM,
        engine=config["engine"],
        code=team_code("train_router"),
    script:
        "../workflow/scripts/train_router.py"


rule merge_weights:
    input:
        members=pool_member_files,
        models=pool_models,
        questions=each_dataset(PATHS.questions("{dataset}", "dev")),
        scores=dev_scores,
        rewards=evidence("rewards", "dev"),
        verdicts=evidence("verdicts", "dev"),
        rankings=evidence("rankings", "dev"),
        responses=dev_responses,
        grader=dev_grader,
        named=method_models,
    output:
        merges=temp(directory(each_dataset(PATHS.merges("{pool}", "{method}", "{dataset}")))),
        cost=PATHS.cost("merge_weights", job_name("{pool}.{method}")),
    log:
        PATHS.log("merge_weights", job_name("{pool}.{method}")),
    wildcard_constraints:
        method=one_of(MERGES),
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        **TEAM,
        **DEFENCES,
        libraries=code_libraries,
        limits=scoring_limits,
        grading=grading,
        sampling=config["sampling"],
        engine=config["engine"],
        store=config["store"],
        code=team_code("merge_weights", scored=True),
    script:
        "../workflow/scripts/merge_weights.py"
