# Tables and figures of the study, over its seeds, and pages to look behind them.


rule table:
    input:
        unpack(table_files),
    output:
        csv=report(
            PATHS.table("{table}", "csv"),
            category="Tables",
            labels={"table": "{table}"},
            caption="../resources/captions/tables.rst",
        ),
        md=PATHS.table("{table}", "md"),
        tex=PATHS.table("{table}", "tex"),
        manifest=PATHS.manifest("{table}"),
    log:
        f"{PATHS.root}/logs/tables/{{table}}.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        teams=lambda wildcards: labels("teams"),
        members=lambda wildcards: labels("members"),
        design=DESIGN,
        code=table_code,
    script:
        "../workflow/scripts/table.py"


rule figure:
    input:
        table=PATHS.table("{figure}", "csv"),
        manifest=PATHS.manifest("{figure}"),
    output:
        figure=report(
            PATHS.figure("{figure}"),
            category="Figures",
            labels={"figure": "{figure}"},
            caption="../resources/captions/figures.rst",
        ),
    log:
        f"{PATHS.root}/logs/figures/{{figure}}.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        design=DESIGN,
        code=code_of("figure"),
    script:
        "../workflow/scripts/figure.py"


rule viewer:
    input:
        unpack(viewer_files),
    output:
        directory(PATHS.viewer),
    log:
        f"{PATHS.root}/logs/viewer.log",
    conda:
        "../envs/report.yaml"
    resources:
        **PLAIN_JOB,
    params:
        teams=lambda wildcards: labels("teams"),
        members=lambda wildcards: labels("members"),
        blocks=lambda wildcards: blocks(),
        evidence=lambda wildcards: evidence_labels(),
        design=DESIGN,
        code=lambda wildcards: viewer_digest(),
    script:
        "../workflow/scripts/viewer.py"
