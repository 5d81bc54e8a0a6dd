# Scores of members' responses and of the teams' answers.


for batch in study.member_batches(study.members, config["batch"]["score"]):

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


for batch in study.run_batches(config["batch"]["score"]):

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
