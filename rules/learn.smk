# What methods learn from dev before they collaborate: a router's adapter, a merged checkpoint.


for paths, batch in per_seed(study.learn_batches()):
    pool, method = batch.cells[0][:2]
    defences = unique(batch.cells, 2)
    datasets_learned = unique(batch.cells, 3)
    needs = study.learning_needs(method, defences)

    rule:
        name:
            rule_name("learn", paths, batch)
        input:
            members=[paths.member(m) for m in study.pools[pool]],
            models=sorted({f for m in study.pools[pool] for f in member_models(m, paths)}),
            questions=[paths.questions(d, "dev") for d in datasets_learned],
            scores=dev_scores(paths, pool, datasets_learned),
            supervision=supervision(paths, pool, datasets_learned, "dev", needs),
            responses=dev_responses(paths, pool, datasets_learned) if needs & {"texts", "lengths"} else [],
            verifier=verifier(paths, datasets_learned),
            named=[paths.model(model) for model in study.method_models(method).values()],
        output:
            learned=[
                (
                    temp(directory(paths.learned(*cell)))
                    if study.learns(method) == "weights"
                    else directory(paths.learned(*cell))
                )
                for cell in batch.cells
            ],
            cost=paths.cost("learn", batch.name),
        log:
            paths.log("learn", batch.name),
        conda:
            "../envs/train.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            **code_libraries(datasets_learned),
            home=paths.home_of,
            seed=paths.seed,
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
                plugins.entry("methods", study.method_kind(method)),
                *defence_modules(defences),
                *scorers(datasets_learned),
            ),
        script:
            "../workflow/scripts/learn.py"
