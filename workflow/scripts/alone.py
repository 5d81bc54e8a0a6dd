"""Rule alone: the table of each attacker by itself."""

from typing import Any

from _helpers import rule_job
from amongus.report.alone import alone, alone_view
from amongus.report.manifest import write_manifest
from amongus.report.render import write
from amongus.report.scores import Design
from amongus.report.supervisors import read_responses


def main(snakemake: Any) -> None:
    """`response_cells` labels the files of `input.responses`."""
    params = snakemake.params
    design = Design.read(params.design)
    responses = read_responses(snakemake.input.responses, params.response_cells)
    table = alone(responses, params.replaces, params.design["attackers"], design)
    write(table, alone_view(table, design), snakemake.output)
    write_manifest(snakemake)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
