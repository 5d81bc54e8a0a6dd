"""The table of each attacker by itself."""

from amongus.core.snakemake_job import Named
from amongus.report.alone import alone, alone_view
from amongus.report.builders._built import Built
from amongus.report.scores import Design
from amongus.report.supervisors import read_responses

NEEDS = ("response_scores",)


def build(files: Named, params: Named, design: Design) -> Built:
    """`params.members` labels the files of `response_scores`."""
    responses = read_responses(files.response_scores, params.members)
    table = alone(responses, params.design["replaces"], params.design["attackers"], design)
    return Built(table, alone_view(table, design))
