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


rule doctor:
    log:
        f"{PATHS.root}/logs/doctor.log",
    # Where answers are scored, so that the libraries it looks for are those that scoring will find.
    conda:
        "../envs/score.yaml"
    params:
        config=config,
    script:
        "../workflow/scripts/doctor.py"
