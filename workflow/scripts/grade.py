"""Rules grade_responses, grade_runs: every text against its question's reference, by the grader."""

from _helpers import Job, run
from amongus.report.cost_sidecars import write_cost
from amongus.scoring.model_grader import open_grader
from amongus.scoring.score_files import read_answers, write_scores

snakemake: Job


def main(snakemake: Job) -> None:
    """Grade all files of texts in one go and write one file of scores for each."""
    params = snakemake.params
    grader = open_grader(snakemake.input.model, params, int(snakemake.wildcards.seed))
    files = zip(snakemake.input.questions, snakemake.input.texts, strict=True)
    tables = [read_answers(questions, texts) for questions, texts in files]
    references = [reference for table in tables for reference in grader.references(table.dataset, table.items)]
    questions = [question for table in tables for question in table.questions]
    texts = [text for table in tables for text in table.texts]
    scores = iter(grader.explain(questions, references, texts))
    for table, path in zip(tables, snakemake.output.scores, strict=True):
        write_scores(path, table, [next(scores) for _ in table.ids])
    write_cost(snakemake.output.cost, "grade", grader.engine.stats)


if __name__ == "__main__":
    run(snakemake, main)
