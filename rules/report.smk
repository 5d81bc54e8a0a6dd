# Tables and figures of the study, over its seeds.

RUNS = [(seed, *cell) for seed, cell in product(study.seeds, study.runs())]
RUN_FILES = [PATHS.at(seed).run(*cell) for seed, *cell in RUNS]
RUN_SCORES = [PATHS.at(seed).run_scores(*cell) for seed, *cell in RUNS]
CELLS = [dict(zip(("seed", "pool", "method", "defence", "dataset"), run)) for run in RUNS]
MEMBER_CELLS = [
    dict(zip(("seed", "member", "dataset", "split"), cell))
    for cell in product(study.seeds, study.members, study.datasets, ["test"])
]
MEMBER_SCORES = [
    PATHS.at(c["seed"]).response_scores(c["member"], c["dataset"], c["split"]) for c in MEMBER_CELLS
]
MEMBER_RESPONSES = [
    PATHS.at(c["seed"]).responses(c["member"], c["dataset"], c["split"]) for c in MEMBER_CELLS
]


rule alone:
    input:
        responses=MEMBER_SCORES,
    output:
        csv=report(
            PATHS.table("alone", "csv"),
            category="Tables",
            labels={"table": "alone"},
            caption=caption("alone"),
        ),
        md=PATHS.table("alone", "md"),
        tex=PATHS.table("alone", "tex"),
        manifest=PATHS.manifest("alone"),
    log:
        f"{PATHS.root}/logs/alone.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        response_cells=MEMBER_CELLS,
        replaces={attacker: study.replaced(attacker) for attacker in study.attackers},
        design=DESIGN,
        code=code_digest("alone"),
    script:
        "../workflow/scripts/alone.py"


rule impact:
    input:
        scores=RUN_SCORES,
    output:
        csv=report(
            PATHS.table("impact", "csv"),
            category="Tables",
            labels={"table": "impact"},
            caption=caption("impact"),
        ),
        md=PATHS.table("impact", "md"),
        tex=PATHS.table("impact", "tex"),
        manifest=PATHS.manifest("impact"),
    log:
        f"{PATHS.root}/logs/impact.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        cells=CELLS,
        design=DESIGN,
        code=code_digest("impact"),
    script:
        "../workflow/scripts/impact.py"


rule mitigation:
    input:
        scores=RUN_SCORES,
        runs=RUN_FILES,
    output:
        csv=report(
            PATHS.table("mitigation", "csv"),
            category="Tables",
            labels={"table": "mitigation"},
            caption=caption("mitigation"),
        ),
        md=PATHS.table("mitigation", "md"),
        tex=PATHS.table("mitigation", "tex"),
        manifest=PATHS.manifest("mitigation"),
    log:
        f"{PATHS.root}/logs/mitigation.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        cells=CELLS,
        design=DESIGN,
        code=code_digest("mitigation"),
    script:
        "../workflow/scripts/mitigation.py"


rule supervisors:
    input:
        runs=RUN_FILES,
        responses=MEMBER_SCORES,
    output:
        csv=report(
            PATHS.table("supervisors", "csv"),
            category="Tables",
            labels={"table": "supervisors"},
            caption=caption("supervisors"),
        ),
        md=PATHS.table("supervisors", "md"),
        tex=PATHS.table("supervisors", "tex"),
        manifest=PATHS.manifest("supervisors"),
    log:
        f"{PATHS.root}/logs/supervisors.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        cells=CELLS,
        response_cells=MEMBER_CELLS,
        design=DESIGN,
        code=code_digest("supervisors"),
    script:
        "../workflow/scripts/supervisors.py"


rule refusals:
    input:
        scores=RUN_SCORES,
        runs=RUN_FILES,
        responses=MEMBER_RESPONSES,
        response_scores=MEMBER_SCORES,
    output:
        csv=report(
            PATHS.table("refusals", "csv"),
            category="Tables",
            labels={"table": "refusals"},
            caption=caption("refusals"),
        ),
        md=PATHS.table("refusals", "md"),
        tex=PATHS.table("refusals", "tex"),
        manifest=PATHS.manifest("refusals"),
    log:
        f"{PATHS.root}/logs/refusals.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        cells=CELLS,
        response_cells=MEMBER_CELLS,
        design=DESIGN,
        code=code_digest("refusals"),
    script:
        "../workflow/scripts/refusals.py"


rule paper:
    input:
        scores=RUN_SCORES,
    output:
        csv=report(
            PATHS.table("paper", "csv"),
            category="Tables",
            labels={"table": "paper"},
            caption=caption("paper"),
        ),
        md=PATHS.table("paper", "md"),
        manifest=PATHS.manifest("paper"),
    log:
        f"{PATHS.root}/logs/paper.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        cells=CELLS,
        design=DESIGN,
        code=code_digest("paper"),
    script:
        "../workflow/scripts/paper.py"


rule cost:
    input:
        sidecars=study.cost_files(),
    output:
        csv=report(
            PATHS.table("cost", "csv"),
            category="Tables",
            labels={"table": "cost"},
            caption=caption("cost"),
        ),
        manifest=PATHS.manifest("cost"),
    log:
        f"{PATHS.root}/logs/cost.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        code=code_digest("cost"),
    script:
        "../workflow/scripts/cost.py"


for figure in FIGURES:

    rule:
        name:
            f"{figure}_figure"
        input:
            table=PATHS.table(figure, "csv"),
            manifest=PATHS.manifest(figure),
        output:
            figure=report(
                PATHS.figure(figure),
                category="Figures",
                labels={"figure": figure},
                caption=caption(f"{figure}_figure"),
            ),
        log:
            f"{PATHS.root}/logs/figures/{figure}.log",
        conda:
            "../envs/report.yaml"
        resources:
            **PLAIN_JOB,
        params:
            name=figure,
            design=DESIGN,
            code=code_digest("figures"),
        script:
            "../workflow/scripts/figures.py"
