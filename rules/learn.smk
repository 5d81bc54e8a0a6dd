# What methods learn from dev before they collaborate: a router's adapter, a merged checkpoint.


for batch in study.learn_batches():
    pool, method, _ = batch.cells[0]
    datasets_learned = unique(batch.cells, 2)

    rule:
        name:
            f"learn_{batch.name}"
        input:
            members=[PATHS.member(m) for m in study.pools[pool]],
            models=sorted({f for m in study.pools[pool] for f in member_models(m)}),
            questions=[PATHS.questions(d, "dev") for d in datasets_learned],
            scores=dev_scores(pool, datasets_learned),
            rewards=supervision(pool, datasets_learned, "dev", study.learning_needs(method)),
        output:
            learned=[
                (
                    temp(directory(PATHS.learned(method, pool, d)))
                    if study.learns(method) == "weights"
                    else directory(PATHS.learned(method, pool, d))
                )
                for d in datasets_learned
            ],
            cost=PATHS.cost("learn", batch.name),
        log:
            PATHS.log("learn", batch.name),
        benchmark:
            PATHS.benchmark("learn", batch.name)
        conda:
            "../envs/train.yaml"
        threads: THREADS
        resources:
            gpu=GPU,
            mem_mb=MEM_MB,
            runtime=RUNTIME,
        params:
            home=PATHS.home_of,
            cells=batch.cells,
            pool=study.pools[pool],
            settings=study.settings(method),
            with_rewards=bool(study.learning_needs(method)),
            prompts=prompts(*rooms.fact("methods", method, "PROMPTS", ())),
            sampling=config["sampling"],
            engine=config["engine"],
            store=config["store"],
            code=code_digest("learn", rooms.entry("methods", method), *scorers(datasets_learned)),
        script:
            "../workflow/scripts/learn.py"
