# What the supervisors think of every response: rewards of the reward model, verdicts of the judge.


for batch in study.supervise_batches("rewards"):

    rule:
        name:
            f"rewards_{batch.name}"
        input:
            model=PATHS.model(config["supervisors"]["reward"]),
            questions=[PATHS.questions(*cell[1:]) for cell in batch.cells],
            responses=[PATHS.responses(*cell) for cell in batch.cells],
        output:
            rewards=[PATHS.rewards(*cell) for cell in batch.cells],
            cost=PATHS.cost("rewards", batch.name),
        log:
            PATHS.log("rewards", batch.name),
        benchmark:
            PATHS.benchmark("rewards", batch.name)
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            limit=SHOWN,
            engine=config["engine"],
            code=code_digest("rewards"),
        script:
            "../workflow/scripts/rewards.py"


for batch in study.supervise_batches("verdicts") if study.judges("pointwise") else []:

    rule:
        name:
            f"verdicts_{batch.name}"
        input:
            model=PATHS.model(config["supervisors"]["judge"]),
            questions=[PATHS.questions(*cell[1:]) for cell in batch.cells],
            responses=[PATHS.responses(*cell) for cell in batch.cells],
        output:
            verdicts=[PATHS.verdicts(*cell) for cell in batch.cells],
            cost=PATHS.cost("verdicts", batch.name),
        log:
            PATHS.log("verdicts", batch.name),
        benchmark:
            PATHS.benchmark("verdicts", batch.name)
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            prompts=prompts("judge.pointwise"),
            limit=SHOWN,
            engine=config["engine"],
            code=code_digest("verdicts"),
        script:
            "../workflow/scripts/verdicts.py"


for batch in study.ranking_batches() if study.judges("listwise") else []:
    pool = batch.cells[0][0]

    rule:
        name:
            f"rankings_{batch.name}"
        input:
            model=PATHS.model(config["supervisors"]["judge"]),
            questions=[PATHS.questions(*cell[1:]) for cell in batch.cells],
            responses=[PATHS.responses(m, *cell[1:]) for cell, m in product(batch.cells, study.pools[pool])],
        output:
            rankings=[PATHS.rankings(*cell) for cell in batch.cells],
            cost=PATHS.cost("rankings", batch.name),
        log:
            PATHS.log("rankings", batch.name),
        benchmark:
            PATHS.benchmark("rankings", batch.name)
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            home=PATHS.home_of,
            cells=batch.cells,
            pool=study.pools[pool],
            orders=config["supervisors"]["judge_orders"],
            prompts=prompts("judge.listwise"),
            limit=SHOWN,
            engine=config["engine"],
            code=code_digest("rankings"),
        script:
            "../workflow/scripts/rankings.py"
