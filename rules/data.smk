# Questions: one parquet per dataset and split, once per study.


rule dataset:
    input:
        source=dataset_source,
    output:
        dev=PATHS.questions("{dataset}", "dev"),
        test=PATHS.questions("{dataset}", "test"),
    log:
        f"{PATHS.root}/logs/dataset/{{dataset}}.log",
    benchmark:
        f"{PATHS.root}/benchmarks/dataset/{{dataset}}.tsv"
    priority: 100
    conda:
        "../envs/data.yaml"
    resources:
        **PLAIN_JOB,
    params:
        name="{dataset}",
        spec=lookup(dpath="{dataset}", within=study.datasets),
        code=dataset_code,
    script:
        "../workflow/scripts/dataset.py"
