# What methods learn from dev before they collaborate: a router's adapter, a merged checkpoint.


for batch in study.learn_batches():
    pool, method = batch.cells[0][:2]
    defences = unique(batch.cells, 2)
    datasets_learned = unique(batch.cells, 3)
    needs = study.learning_needs(method, defences)

    rule:
        name:
            f"learn_{batch.name}"
        input:
            members=[PATHS.member(m) for m in study.pools[pool]],
            models=sorted({f for m in study.pools[pool] for f in member_models(m)}),
            questions=[PATHS.questions(d, "dev") for d in datasets_learned],
            scores=dev_scores(pool, datasets_learned),
            supervision=supervision(pool, datasets_learned, "dev", needs),
            responses=dev_responses(pool, datasets_learned) if needs & {"texts", "lengths"} else [],
            verifier=verifier(datasets_learned),
            named=[PATHS.model(model) for model in study.method_models(method).values()],
        output:
            learned=[
                (
                    temp(directory(PATHS.learned(*cell)))
                    if study.learns(method) == "weights"
                    else directory(PATHS.learned(*cell))
                )
                for cell in batch.cells
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
            **MODEL_JOB,
        params:
            home=PATHS.home_of,
            cells=batch.cells,
            pool=study.pools[pool],
            attackers=pool_attackers(pool, "attackers" in study.needs(defences)),
            method=study.method_kind(method),
            defences={defence: study.defence_kinds[defence] for defence in defences},
            settings=study.settings(method),
            limits=execution_limits(datasets_learned),
            verifying=verifying(datasets_learned),
            models=study.method_models(method),
            needs=sorted(needs),
            judge_form=config["supervisors"]["judge_form"] if "verdicts" in needs else None,
            prompts=prompts(*study.method_fact(method, "PROMPTS", ())),
            sampling=config["sampling"],
            engine=config["engine"],
            store=config["store"],
            code=code_digest(
                "learn",
                rooms.entry("methods", study.method_kind(method)),
                *defence_modules(defences),
                *scorers(datasets_learned),
            ),
        script:
            "../workflow/scripts/learn.py"
