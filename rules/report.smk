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
CAPTIONS = Path(workflow.basedir) / "resources" / "captions"


for table in TABLES:

    rule:
        name:
            table
        input:
            scores=RUN_SCORES,
            runs=RUN_FILES,
            responses=MEMBER_SCORES,
        output:
            csv=report(
                PATHS.table(table, "csv"),
                category="Tables",
                labels={"table": table},
                caption=str(CAPTIONS / f"{table}.rst"),
            ),
            md=PATHS.table(table, "md"),
            tex=PATHS.table(table, "tex"),
        log:
            f"{PATHS.root}/logs/{table}.log",
        benchmark:
            f"{PATHS.root}/benchmarks/{table}.tsv"
        conda:
            "../envs/report.yaml"
        params:
            cells=CELLS,
            response_cells=MEMBER_CELLS,
            design=study.design(),
            code=code_digest(table),
        script:
            f"../workflow/scripts/{table}.py"


rule cost:
    input:
        sidecars=study.cost_files(),
    output:
        csv=report(
            PATHS.table("cost", "csv"),
            category="Tables",
            labels={"table": "cost"},
            caption=str(CAPTIONS / "cost.rst"),
        ),
    log:
        f"{PATHS.root}/logs/cost.log",
    benchmark:
        f"{PATHS.root}/benchmarks/cost.tsv"
    conda:
        "../envs/report.yaml"
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
        output:
            figure=report(
                PATHS.figure(figure),
                category="Figures",
                labels={"figure": figure},
                caption=str(CAPTIONS / f"{figure}_figure.rst"),
            ),
        log:
            f"{PATHS.root}/logs/figures/{figure}.log",
        benchmark:
            f"{PATHS.root}/benchmarks/figures/{figure}.tsv"
        conda:
            "../envs/report.yaml"
        params:
            name=figure,
            design=study.design(),
            code=code_digest("figures"),
        script:
            "../workflow/scripts/figures.py"
