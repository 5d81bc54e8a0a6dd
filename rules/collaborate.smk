# Teams answer the test questions: a cell for every pool, method, defence and dataset.


for paths, batch in per_seed(study.collaborate_batches()):
    pool, method = batch.cells[0][:2]
    defences = unique(batch.cells, 2)
    datasets_run = unique(batch.cells, 3)

    rule:
        name:
            rule_name("collaborate", paths, batch)
        input:
            members=[paths.member(m) for m in study.pools[pool]],
            models=sorted({f for m in study.pools[pool] for f in member_models(m, paths)}),
            questions=[paths.questions(d, "test") for d in datasets_run],
            responses=[paths.responses(m, d, "test") for m, d in product(study.pools[pool], datasets_run)],
            dev=dev_scores(paths, pool, datasets_run),
            supervision=supervision(paths, pool, datasets_run, "test", study.needs_at_test(method, defences)),
            learned=learned(paths, method, batch.cells),
            named=[paths.model(model) for model in study.method_models(method).values()],
        output:
            runs=[paths.run(*cell) for cell in batch.cells],
            transcripts=[paths.transcript(*cell) for cell in batch.cells],
            cost=paths.cost("collaborate", batch.name),
        log:
            paths.log("collaborate", batch.name),
        # A merge lies on the disk until its team has answered: rather use one than make another.
        priority: 10 if study.learns(method) == "weights" else 0
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
            attackers=pool_attackers(pool, "attackers" in study.needs_at_test(method, defences)),
            method=study.method_kind(method),
            defences={defence: study.defence_kinds[defence] for defence in defences},
            settings=study.settings(method),
            models=study.method_models(method),
            learned_under=(
                {defence: study.learned_under(method, defence) for defence in defences}
                if study.learns(method)
                else {}
            ),
            judge_form=(
                config["supervisors"]["judge_form"]
                if "verdicts" in study.needs_at_test(method, defences)
                else None
            ),
            prompts=prompts(*study.method_fact(method, "PROMPTS", ())),
            limit=SHOWN,
            sampling=config["sampling"],
            engine=config["engine"],
            store=config["store"],
            code=code_digest(
                "collaborate",
                plugins.entry("methods", study.method_kind(method)),
                *defence_modules(defences if study.learns(method) != "weights" else []),
            ),
        script:
            "../workflow/scripts/collaborate.py"
