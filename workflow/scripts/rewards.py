"""Rule rewards: the reward model's score of every response."""

from _helpers import Job, run
from amongus.core.tables import QUESTIONS, RESPONSES, REWARDS, read_table, write_table
from amongus.inference.reward_model import RewardModel
from amongus.members.judge_prompts import answered
from amongus.members.prompts import clipped
from amongus.report.cost_sidecars import write_cost

snakemake: Job


def main(snakemake: Job) -> None:
    """Score all cells in one go and write one file per cell."""
    files = zip(snakemake.input.questions, snakemake.input.responses, strict=True)
    tables = [(read_table(questions, QUESTIONS), read_table(texts, RESPONSES)) for questions, texts in files]
    settings = {key: value for key, value in snakemake.params.engine.items() if key != "flush_every"}
    model = RewardModel(snakemake.input.model, **settings)
    conversations = [
        answered(question, clipped(text, snakemake.params.limit))
        for questions, texts in tables
        for question, text in zip(questions["prompt"].to_pylist(), texts["text"].to_pylist(), strict=True)
    ]
    rewards = iter(model.score(conversations))
    for (_, texts), path in zip(tables, snakemake.output.rewards, strict=True):
        ids = texts["id"].to_pylist()
        write_table(path, {"id": ids, "reward": [next(rewards) for _ in ids]}, REWARDS)
    write_cost(snakemake.output.cost, "rewards", model.stats)


if __name__ == "__main__":
    run(snakemake, main)
