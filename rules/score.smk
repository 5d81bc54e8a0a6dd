# Scores of members' responses and of the teams' answers: by the datasets' metrics, or by a verifier.


for batch in study.scored_responses(by_verifier=False):

    rule:
        name:
            f"score_responses_{batch.name}"
        input:
            questions=[PATHS.questions(*cell[1:]) for cell in batch.cells],
            texts=[PATHS.responses(*cell) for cell in batch.cells],
        output:
            scores=[PATHS.response_scores(*cell) for cell in batch.cells],
        log:
            PATHS.log("score_responses", batch.name),
        benchmark:
            PATHS.benchmark("score_responses", batch.name)
        conda:
            "../envs/score.yaml"
        threads: THREADS if execution_limits(unique(batch.cells, 1)) else 1
        resources:
            **scoring_job(unique(batch.cells, 1)),
        params:
            limits=execution_limits(unique(batch.cells, 1)),
            code=code_digest("score", *scorers(unique(batch.cells, 1))),
        script:
            "../workflow/scripts/score.py"


for batch in study.scored_runs(by_verifier=False):

    rule:
        name:
            f"score_runs_{batch.name}"
        input:
            questions=[PATHS.questions(cell[3], "test") for cell in batch.cells],
            texts=[PATHS.run(*cell) for cell in batch.cells],
        output:
            scores=[PATHS.run_scores(*cell) for cell in batch.cells],
        log:
            PATHS.log("score_runs", batch.name),
        benchmark:
            PATHS.benchmark("score_runs", batch.name)
        conda:
            "../envs/score.yaml"
        threads: THREADS if execution_limits(unique(batch.cells, 3)) else 1
        resources:
            **scoring_job(unique(batch.cells, 3)),
        params:
            limits=execution_limits(unique(batch.cells, 3)),
            code=code_digest("score", *scorers(unique(batch.cells, 3))),
        script:
            "../workflow/scripts/score.py"


for batch in study.scored_responses(by_verifier=True):
    verified = unique(batch.cells, 1)

    rule:
        name:
            f"verify_responses_{batch.name}"
        input:
            model=PATHS.model(config["supervisors"]["verifier"]),
            questions=[PATHS.questions(*cell[1:]) for cell in batch.cells],
            texts=[PATHS.responses(*cell) for cell in batch.cells],
        output:
            scores=[PATHS.response_scores(*cell) for cell in batch.cells],
            cost=PATHS.cost("verify_responses", batch.name),
        log:
            PATHS.log("verify_responses", batch.name),
        benchmark:
            PATHS.benchmark("verify_responses", batch.name)
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            gpu=GPU,
            mem_mb=MEM_MB,
            runtime=RUNTIME,
        params:
            datasets=[cell[1] for cell in batch.cells],
            verifying=verifying(verified),
            engine=config["engine"],
            store=config["store"],
            code=code_digest("verify", *scorers(verified)),
        script:
            "../workflow/scripts/verify.py"


for batch in study.scored_runs(by_verifier=True):
    verified = unique(batch.cells, 3)

    rule:
        name:
            f"verify_runs_{batch.name}"
        input:
            model=PATHS.model(config["supervisors"]["verifier"]),
            questions=[PATHS.questions(cell[3], "test") for cell in batch.cells],
            texts=[PATHS.run(*cell) for cell in batch.cells],
        output:
            scores=[PATHS.run_scores(*cell) for cell in batch.cells],
            cost=PATHS.cost("verify_runs", batch.name),
        log:
            PATHS.log("verify_runs", batch.name),
        benchmark:
            PATHS.benchmark("verify_runs", batch.name)
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            gpu=GPU,
            mem_mb=MEM_MB,
            runtime=RUNTIME,
        params:
            datasets=[cell[3] for cell in batch.cells],
            verifying=verifying(verified),
            engine=config["engine"],
            store=config["store"],
            code=code_digest("verify", *scorers(verified)),
        script:
            "../workflow/scripts/verify.py"
