# Scores of members' responses and of the teams' answers: by the datasets' metrics, or by a verifier.


for paths, batch in per_seed(study.scored_responses(by_verifier=False)):

    rule:
        name:
            rule_name("score_responses", paths, batch)
        input:
            questions=[paths.questions(*cell[1:]) for cell in batch.cells],
            texts=[paths.responses(*cell) for cell in batch.cells],
        output:
            scores=[paths.response_scores(*cell) for cell in batch.cells],
        log:
            paths.log("score_responses", batch.name),
        conda:
            "../envs/score.yaml"
        threads: THREADS if execution_limits(unique(batch.cells, 1)) else 1
        resources:
            **scoring_job(unique(batch.cells, 1)),
        params:
            **code_libraries(unique(batch.cells, 1)),
            limits=execution_limits(unique(batch.cells, 1)),
            code=code_digest("score", *scorers(unique(batch.cells, 1))),
        script:
            "../workflow/scripts/score.py"


for paths, batch in per_seed(study.scored_runs(by_verifier=False)):

    rule:
        name:
            rule_name("score_runs", paths, batch)
        input:
            questions=[paths.questions(cell[3], "test") for cell in batch.cells],
            texts=[paths.run(*cell) for cell in batch.cells],
        output:
            scores=[paths.run_scores(*cell) for cell in batch.cells],
        log:
            paths.log("score_runs", batch.name),
        conda:
            "../envs/score.yaml"
        threads: THREADS if execution_limits(unique(batch.cells, 3)) else 1
        resources:
            **scoring_job(unique(batch.cells, 3)),
        params:
            **code_libraries(unique(batch.cells, 3)),
            limits=execution_limits(unique(batch.cells, 3)),
            code=code_digest("score", *scorers(unique(batch.cells, 3))),
        script:
            "../workflow/scripts/score.py"


for paths, batch in per_seed(study.scored_responses(by_verifier=True)):
    verified = unique(batch.cells, 1)

    rule:
        name:
            rule_name("verify_responses", paths, batch)
        input:
            model=paths.model(config["supervisors"]["verifier"]),
            questions=[paths.questions(*cell[1:]) for cell in batch.cells],
            texts=[paths.responses(*cell) for cell in batch.cells],
        output:
            scores=[paths.response_scores(*cell) for cell in batch.cells],
            cost=paths.cost("verify_responses", batch.name),
        log:
            paths.log("verify_responses", batch.name),
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            seed=paths.seed,
            datasets=[cell[1] for cell in batch.cells],
            verifying=verifying(verified),
            engine=config["engine"],
            store=config["store"],
            code=code_digest("verify", *scorers(verified)),
        script:
            "../workflow/scripts/verify.py"


for paths, batch in per_seed(study.scored_runs(by_verifier=True)):
    verified = unique(batch.cells, 3)

    rule:
        name:
            rule_name("verify_runs", paths, batch)
        input:
            model=paths.model(config["supervisors"]["verifier"]),
            questions=[paths.questions(cell[3], "test") for cell in batch.cells],
            texts=[paths.run(*cell) for cell in batch.cells],
        output:
            scores=[paths.run_scores(*cell) for cell in batch.cells],
            cost=paths.cost("verify_runs", batch.name),
        log:
            paths.log("verify_runs", batch.name),
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            seed=paths.seed,
            datasets=[cell[3] for cell in batch.cells],
            verifying=verifying(verified),
            engine=config["engine"],
            store=config["store"],
            code=code_digest("verify", *scorers(verified)),
        script:
            "../workflow/scripts/verify.py"
