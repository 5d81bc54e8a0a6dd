# What the supervisors give each response, for the splits on which it is read: rewards of the reward model, verdicts of
# the judge, or its ranking of a pool's answers.


rule rewards:
    input:
        model=PATHS.model(str(config["supervisors"].get("reward"))),
        questions=each_dataset(PATHS.questions("{dataset}", "{split}")),
        responses=each_dataset(PATHS.responses("{member}", "{dataset}", "{split}")),
    output:
        rewards=each_dataset(PATHS.rewards("{member}", "{dataset}", "{split}")),
        cost=PATHS.cost("rewards", job_name("{member}.{split}")),
    log:
        PATHS.log("rewards", job_name("{member}.{split}")),
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        limit=SHOWN,
        engine=config["engine"],
        code=code_of("rewards"),
    script:
        "../workflow/scripts/rewards.py"


rule verdicts:
    input:
        model=PATHS.model(str(config["supervisors"].get("judge"))),
        questions=each_dataset(PATHS.questions("{dataset}", "{split}")),
        responses=each_dataset(PATHS.responses("{member}", "{dataset}", "{split}")),
    output:
        verdicts=each_dataset(PATHS.verdicts("{member}", "{dataset}", "{split}")),
        cost=PATHS.cost("verdicts", job_name("{member}.{split}")),
    log:
        PATHS.log("verdicts", job_name("{member}.{split}")),
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        prompts=judge_prompts("pointwise"),
        limit=SHOWN,
        engine=config["engine"],
        code=code_of("verdicts"),
    script:
        "../workflow/scripts/verdicts.py"


rule rankings:
    input:
        model=PATHS.model(str(config["supervisors"].get("judge"))),
        questions=each_dataset(PATHS.questions("{dataset}", "{split}")),
        responses=pool_responses,
    output:
        rankings=each_dataset(PATHS.rankings("{pool}", "{dataset}", "{split}")),
        cost=PATHS.cost("rankings", job_name("{pool}.{split}")),
    log:
        PATHS.log("rankings", job_name("{pool}.{split}")),
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        pool=pool_members,
        orders=config["supervisors"]["judge_orders"],
        prompts=judge_prompts("listwise"),
        limit=SHOWN,
        engine=config["engine"],
        code=code_of("rankings"),
    script:
        "../workflow/scripts/rankings.py"
