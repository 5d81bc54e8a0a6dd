"""Rule respond: one member's answers to the questions of its cells."""

from _helpers import Job, rule_job
from amongus.core.gpus import take_gpus
from amongus.core.tables import QUESTIONS, RESPONSES, read_table, write_table
from amongus.inference.opening import open_engine
from amongus.members.member import load_member
from amongus.members.requests import Request, user
from amongus.report.cost_sidecars import write_cost

snakemake: Job


def main(snakemake: Job) -> None:
    """Answer all cells in one go, so that batches fill up, and write one file per cell."""
    member = load_member(snakemake.input.member)
    tables = [read_table(path, QUESTIONS) for path in snakemake.input.questions]
    engine = open_engine(snakemake.params, [member], int(snakemake.wildcards.seed))
    answers = iter(
        engine.generate(
            [Request(member.name, user(prompt)) for table in tables for prompt in table["prompt"].to_pylist()]
        )
    )
    for table, path in zip(tables, snakemake.output.responses, strict=True):
        rows = [next(answers) for _ in range(table.num_rows)]
        write_table(
            path,
            {
                "id": table["id"].to_pylist(),
                "text": [row.text for row in rows],
                "n_tokens": [row.n_tokens for row in rows],
                "stop_reason": [row.stop_reason for row in rows],
            },
            RESPONSES,
        )
    write_cost(snakemake.output.cost, "respond", engine.stats)


if __name__ == "__main__":
    with rule_job(snakemake):
        take_gpus(snakemake.resources.get("gpu", 0))
        main(snakemake)
