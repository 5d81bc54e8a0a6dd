# What the supervisors think of every response: rewards of the reward model, verdicts of the judge.


for paths, batch in per_seed(study.supervise_batches("rewards")):

    rule:
        name:
            rule_name("rewards", paths, batch)
        input:
            model=paths.model(config["supervisors"]["reward"]),
            questions=[paths.questions(*cell[1:]) for cell in batch.cells],
            responses=[paths.responses(*cell) for cell in batch.cells],
        output:
            rewards=[paths.rewards(*cell) for cell in batch.cells],
            cost=paths.cost("rewards", batch.name),
        log:
            paths.log("rewards", batch.name),
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


for paths, batch in per_seed(study.supervise_batches("verdicts") if study.judges("pointwise") else []):

    rule:
        name:
            rule_name("verdicts", paths, batch)
        input:
            model=paths.model(config["supervisors"]["judge"]),
            questions=[paths.questions(*cell[1:]) for cell in batch.cells],
            responses=[paths.responses(*cell) for cell in batch.cells],
        output:
            verdicts=[paths.verdicts(*cell) for cell in batch.cells],
            cost=paths.cost("verdicts", batch.name),
        log:
            paths.log("verdicts", batch.name),
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            seed=paths.seed,
            prompts=prompts("judge.pointwise"),
            limit=SHOWN,
            engine=config["engine"],
            code=code_digest("verdicts"),
        script:
            "../workflow/scripts/verdicts.py"


for paths, batch in per_seed(study.ranking_batches() if study.judges("listwise") else []):
    pool = batch.cells[0][0]

    rule:
        name:
            rule_name("rankings", paths, batch)
        input:
            model=paths.model(config["supervisors"]["judge"]),
            questions=[paths.questions(*cell[1:]) for cell in batch.cells],
            responses=[paths.responses(m, *cell[1:]) for cell, m in product(batch.cells, study.pools[pool])],
        output:
            rankings=[paths.rankings(*cell) for cell in batch.cells],
            cost=paths.cost("rankings", batch.name),
        log:
            paths.log("rankings", batch.name),
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            home=paths.home_of,
            seed=paths.seed,
            cells=batch.cells,
            pool=study.pools[pool],
            orders=config["supervisors"]["judge_orders"],
            prompts=prompts("judge.listwise"),
            limit=SHOWN,
            engine=config["engine"],
            code=code_digest("rankings"),
        script:
            "../workflow/scripts/rankings.py"
