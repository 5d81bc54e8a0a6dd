# Teams answer the test questions: a cell for every pool, method, defence and dataset.


for batch in study.collaborate_batches():
    pool, method = batch.cells[0][:2]
    defences = unique(batch.cells, 2)
    datasets_run = unique(batch.cells, 3)

    rule:
        name:
            f"collaborate_{batch.name}"
        input:
            members=[PATHS.member(m) for m in study.pools[pool]],
            models=sorted({f for m in study.pools[pool] for f in member_models(m)}),
            questions=[PATHS.questions(d, "test") for d in datasets_run],
            responses=[PATHS.responses(m, d, "test") for m, d in product(study.pools[pool], datasets_run)],
            dev=dev_scores(pool, datasets_run),
            supervision=supervision(pool, datasets_run, "test", study.needs(defences)),
            learned=([PATHS.learned(method, pool, d) for d in datasets_run] if study.learns(method) else []),
        output:
            runs=[PATHS.run(*cell) for cell in batch.cells],
            transcripts=[PATHS.transcript(*cell) for cell in batch.cells],
            cost=PATHS.cost("collaborate", batch.name),
        log:
            PATHS.log("collaborate", batch.name),
        benchmark:
            PATHS.benchmark("collaborate", batch.name)
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            gpu=GPU,
            mem_mb=MEM_MB,
            runtime=RUNTIME,
        params:
            home=PATHS.home_of,
            cells=batch.cells,
            pool=study.pools[pool],
            attackers=sorted(set(study.pools[pool]) & set(study.attackers)),
            settings=study.settings(method),
            prompts=prompts(*rooms.fact("methods", method, "PROMPTS", ())),
            sampling=config["sampling"],
            engine=config["engine"],
            store=config["store"],
            code=code_digest(
                "collaborate",
                rooms.entry("methods", method),
                *(rooms.entry("defences", defence) for defence in defences),
            ),
        script:
            "../workflow/scripts/collaborate.py"
