# Scores of members' responses and of the teams' answers: by the datasets' metrics, or graded by a model.


rule score_responses:
    input:
        questions=each_dataset(PATHS.questions("{dataset}", "{split}"), SCORED, split=SPLITS),
        texts=each_dataset(PATHS.responses("{member}", "{dataset}", "{split}"), SCORED, split=SPLITS),
    output:
        scores=each_dataset(PATHS.response_scores("{member}", "{dataset}", "{split}"), SCORED, split=SPLITS),
    log:
        PATHS.log("score_responses", job_name("{member}")),
    wildcard_constraints:
        dataset=one_of(SCORED),
    conda:
        "../envs/score.yaml"
    threads: scoring_threads
    resources:
        **SCORING_JOB,
    params:
        libraries=code_libraries,
        limits=scoring_limits,
        code=scoring_code("score", SCORED),
    script:
        "../workflow/scripts/score.py"


rule score_runs:
    input:
        questions=each_dataset(PATHS.questions("{dataset}", "test"), SCORED),
        texts=each_dataset(PATHS.run("{pool}", "{method}", "{dataset}"), SCORED),
    output:
        scores=each_dataset(PATHS.run_scores("{pool}", "{method}", "{dataset}"), SCORED),
    log:
        PATHS.log("score_runs", job_name("{pool}.{method}")),
    wildcard_constraints:
        dataset=one_of(SCORED),
    conda:
        "../envs/score.yaml"
    threads: scoring_threads
    resources:
        **SCORING_JOB,
    params:
        libraries=code_libraries,
        limits=scoring_limits,
        code=scoring_code("score", SCORED),
    script:
        "../workflow/scripts/score.py"


rule grade_responses:
    input:
        model=PATHS.model(str(config["supervisors"].get("grader"))),
        questions=each_dataset(PATHS.questions("{dataset}", "{split}"), GRADED, split=SPLITS),
        texts=each_dataset(PATHS.responses("{member}", "{dataset}", "{split}"), GRADED, split=SPLITS),
    output:
        scores=each_dataset(PATHS.response_scores("{member}", "{dataset}", "{split}"), GRADED, split=SPLITS),
        cost=PATHS.cost("grade_responses", job_name("{member}")),
    log:
        PATHS.log("grade_responses", job_name("{member}")),
    wildcard_constraints:
        dataset=one_of(GRADED),
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        grading=grading,
        engine=config["engine"],
        store=config["store"],
        code=scoring_code("grade", GRADED),
    script:
        "../workflow/scripts/grade.py"


rule grade_runs:
    input:
        model=PATHS.model(str(config["supervisors"].get("grader"))),
        questions=each_dataset(PATHS.questions("{dataset}", "test"), GRADED),
        texts=each_dataset(PATHS.run("{pool}", "{method}", "{dataset}"), GRADED),
    output:
        scores=each_dataset(PATHS.run_scores("{pool}", "{method}", "{dataset}"), GRADED),
        cost=PATHS.cost("grade_runs", job_name("{pool}.{method}")),
    log:
        PATHS.log("grade_runs", job_name("{pool}.{method}")),
    wildcard_constraints:
        dataset=one_of(GRADED),
    conda:
        "../envs/models.yaml"
    threads: THREADS
    resources:
        **MODEL_JOB,
    params:
        grading=grading,
        engine=config["engine"],
        store=config["store"],
        code=scoring_code("grade", GRADED),
    script:
        "../workflow/scripts/grade.py"
