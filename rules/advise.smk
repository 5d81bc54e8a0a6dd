# Before anything runs: what a study will take, and what it lacks here. Nothing is made; both print.


rule plan:
    log:
        f"{PATHS.root}/logs/plan.log",
    conda:
        "../envs/data.yaml"
    params:
        config=config,
    script:
        "../workflow/scripts/plan.py"
