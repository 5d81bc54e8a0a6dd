"""Rules grade_responses, grade_runs: every text against its question's reference, by the grader."""

from _helpers import Job, rule_job
from amongus.report.cost_sidecars import write_cost
from amongus.scoring.model_grader import open_grader
from amongus.scoring.score_files import read_answers, write_scores

snakemake: Job


def main(snakemake: Job) -> None:
    """Ask about all files of texts in one go and write one file of scores for each."""
    params = snakemake.params
    grader = open_grader(snakemake.input.model, params, int(snakemake.wildcards.seed))
    files = zip(snakemake.input.questions, snakemake.input.texts, strict=True)
    given = [read_answers(questions, texts) for questions, texts in files]
    references = [reference for answers in given for reference in grader.references(answers.dataset, answers.items)]
    questions = [question for answers in given for question in answers.questions]
    texts = [text for answers in given for text in answers.texts]
    judged = iter(grader.explain(questions, references, texts))
    for answers, path in zip(given, snakemake.output.scores, strict=True):
        write_scores(path, answers, [next(judged) for _ in answers.ids])
    write_cost(snakemake.output.cost, "grade", grader.engine.stats)


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
