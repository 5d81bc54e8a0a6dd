"""Rule respond: one member's answers to the questions of its cells."""

from _helpers import Job, run
from amongus.core.tables import QUESTIONS, RESPONSES, read_table, write_table
from amongus.inference.engine import open_engine
from amongus.members.member import load_member
from amongus.members.requests import Request, user
from amongus.report.cost_sidecars import write_cost

snakemake: Job


def main(snakemake: Job) -> None:
    """Answer all cells in one go, so that batches fill up, and write one file per cell."""
    member = load_member(snakemake.input.member)
    tables = [read_table(path, QUESTIONS) for path in snakemake.input.questions]
    engine = open_engine(snakemake.params, [member], int(snakemake.wildcards.seed))
    prompts = [prompt for table in tables for prompt in table["prompt"].to_pylist()]
    answers = iter(engine.generate([Request(member.name, user(prompt)) for prompt in prompts]))
    for table, path in zip(tables, snakemake.output.responses, strict=True):
        rows = [next(answers) for _ in range(table.num_rows)]
        own = {name: [getattr(row, name) for row in rows] for name in ("text", "n_tokens", "stop_reason")}
        write_table(path, {"id": table["id"].to_pylist(), **own}, RESPONSES)
    write_cost(snakemake.output.cost, "respond", engine.stats)


if __name__ == "__main__":
    run(snakemake, main)
