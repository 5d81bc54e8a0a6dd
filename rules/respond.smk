# Every member answers every question once; all pools, methods and defences read these answers.


for paths, batch in per_seed(study.member_batches(study.members, config["batch"]["respond"])):
    member = batch.cells[0][0]

    rule:
        name:
            rule_name("respond", paths, batch)
        input:
            member=paths.member(member),
            models=member_models(member, paths),
            questions=[paths.questions(*cell[1:]) for cell in batch.cells],
        output:
            responses=[paths.responses(*cell) for cell in batch.cells],
            cost=paths.cost("respond", batch.name),
        log:
            paths.log("respond", batch.name),
        conda:
            "../envs/models.yaml"
        threads: THREADS
        resources:
            **MODEL_JOB,
        params:
            home=paths.home_of,
            seed=paths.seed,
            cells=batch.cells,
            sampling=config["sampling"],
            engine=config["engine"],
            store=config["store"],
            code=code_digest("respond"),
        script:
            "../workflow/scripts/respond.py"
