"""Rule verdicts: the judge's verdict on every response, read from the logits of its labels."""

from math import isfinite

from _helpers import Job, run
from amongus.core.tables import QUESTIONS, RESPONSES, VERDICTS, read_table, write_table
from amongus.inference.engine import Engine
from amongus.inference.sampling_params import Sampling
from amongus.members.judge_prompts import CONTINUATION, JUDGE, LABELS, judged, verdict
from amongus.members.member import Member, known_fingerprint
from amongus.members.prompts import Template, clipped
from amongus.report.cost_sidecars import write_cost

snakemake: Job


def main(snakemake: Job) -> None:
    """Judge all cells in one go and write one file per cell."""
    files = zip(snakemake.input.questions, snakemake.input.responses, strict=True)
    tables = [(read_table(questions, QUESTIONS), read_table(texts, RESPONSES)) for questions, texts in files]
    prompts = {name: Template(**template) for name, template in snakemake.params.prompts.items()}
    folder = snakemake.input.model
    judge = Member(JUDGE, folder, fingerprint=known_fingerprint(folder))
    engine = Engine({JUDGE: judge}, Sampling(), seed=int(snakemake.wildcards.seed), **snakemake.params.engine)
    conversations = [
        judged(question, clipped(text, snakemake.params.limit), prompts)
        for questions, texts in tables
        for question, text in zip(questions["prompt"].to_pylist(), texts["text"].to_pylist(), strict=True)
    ]
    verdicts = (verdict(row) for row in engine.label_logits(JUDGE, conversations, LABELS, CONTINUATION))
    for (_, texts), path in zip(tables, snakemake.output.verdicts, strict=True):
        ids = texts["id"].to_pylist()
        values = [next(verdicts) for _ in ids]
        write_table(path, {"id": ids, "verdict": values, "readable": [isfinite(value) for value in values]}, VERDICTS)
    write_cost(snakemake.output.cost, "verdicts", engine.stats)


if __name__ == "__main__":
    run(snakemake, main)
