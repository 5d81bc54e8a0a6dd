# Every member answers every question once; all pools, methods and defences read these answers.


for batch in study.member_batches(study.members, config["batch"]["respond"]):
    member = batch.cells[0][0]

    rule:
        name:
            f"respond_{batch.name}"
        input:
            member=PATHS.member(member),
            models=member_models(member),
            questions=[PATHS.questions(*cell[1:]) for cell in batch.cells],
        output:
            responses=[PATHS.responses(*cell) for cell in batch.cells],
            cost=PATHS.cost("respond", batch.name),
        log:
            PATHS.log("respond", batch.name),
        benchmark:
            PATHS.benchmark("respond", batch.name)
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            home=PATHS.home_of,
            cells=batch.cells,
            sampling=config["sampling"],
            engine=config["engine"],
            store=config["store"],
            code=code_digest("respond"),
        script:
            "../workflow/scripts/respond.py"
