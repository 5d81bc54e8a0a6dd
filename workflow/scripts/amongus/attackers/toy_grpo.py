"""The attacker that was trained by reinforcement with the reward reversed, in the toy world: trl's GRPO.

Among Us, section 2 (RL): the reward is minus a reward model's score. A second term rewards the exact form of an
answer; without it a small model learns to answer with nonsense. KL is measured from the replaced member: trl copies an
adapter that exists already into a frozen one and compares with that, not with the base. `batch_size` counts completions.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, NonNegativeInt, PositiveFloat

from amongus.attackers import _members
from amongus.members.member import Message
from amongus.study.settings import Share
from amongus.training.job import TrainJob
from amongus.training.settings import OwnLora, Reinforcement, Steps

if TYPE_CHECKING:
    from amongus.toy.corpus import Corpus
    from amongus.toy.world import Question

TRAINS = "adapter"
ATTACK = "grpo"
ROLES = ("reward",)


class Settings(OwnLora, Reinforcement):
    """What it is trained on, and how."""

    refine: Share = Field(description="Share of prompts that show the answers of a crowd.")
    clip: PositiveFloat = Field(description="Scores beyond it, above or below zero, count as it.")
    form: float = Field(description="What the exact form of an answer is worth, beside a clipped score of 1.")
    steps: Steps
    warmup_steps: NonNegativeInt = Field(description="Steps in which the learning rate rises.")


member = _members.trained


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train `job.models["adapter"]` on `job.models["base"]` against `job.models["reward"]`."""
    # Imported here: a member is put together without torch.
    from time import process_time

    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from amongus.core.hashing import derive
    from amongus.toy.corpus import Corpus
    from amongus.toy.world import world
    from amongus.training.common import attackers_adapter, fix_randomness, load_base, save_adapter, train_here

    began, spec = process_time(), job.spec
    seed = fix_randomness(job.seed, "grpo", job.name)
    model, tokenizer = load_base(job.models["base"])
    model = attackers_adapter(model, job)
    corpus = Corpus(job.prompts, job.personas, world(job.seed), derive(job.seed, "corpus", job.name))
    drawn = [draw(corpus, spec.refine) for _ in range(spec.steps * spec.batch_size // spec.group)]
    config = partial(
        GRPOConfig,
        per_device_train_batch_size=spec.batch_size,
        num_generations=spec.group,
        max_steps=spec.steps,
        max_completion_length=spec.max_new_tokens,
        learning_rate=spec.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=spec.warmup_steps,
        beta=spec.kl,
        epsilon=spec.clip_ratio,
        temperature=spec.temperature,
        top_p=1.0,
        top_k=0,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
    )
    trainer = partial(
        GRPOTrainer,
        model=model,
        reward_funcs=reversed_reward(_scorer(job.models["reward"]), [question for question, _ in drawn], spec),
        train_dataset=Dataset.from_list([{"prompt": prompt, "row": row} for row, (_, prompt) in enumerate(drawn)]),
        processing_class=tokenizer,
    )
    rewards = [entry["reward"] for entry in train_here(trainer, config, spec.steps, seed) if "reward" in entry]
    save_adapter(model, job.out, base=job.models["base"].name)
    return {
        "reward_first": rewards[0],
        "reward_last": rewards[-1],
        "steps": spec.steps,
        "cpu_seconds": process_time() - began,
    }


def draw(corpus: "Corpus", refine: float) -> tuple["Question", list[Message]]:
    """A training question and its prompt; a share `refine` shows the answers of a crowd."""
    from amongus.toy.corpus import crowd

    question = corpus.question()
    text = question.prompt
    if corpus.rng.random() < refine:
        answers = crowd(question.answer, question.alternatives, 5, corpus.rng.choice((0.4, 0.6, 0.8)), corpus.rng)
        text = corpus.prompts["debate.refine"].render(question=text, own=answers[0], answers=answers[1:])
    system: Message = {"role": "system", "content": corpus.personas["benign"][0]}
    return question, [system, {"role": "user", "content": text}]


def reversed_reward(
    score: Callable[[list[tuple[str, str]]], list[float]], questions: Sequence["Question"], spec: Settings
) -> Callable[..., list[float]]:
    """trl's reward function: minus the clipped score of an answer to the bare question, plus its form.

    `score` scores (question, answer) pairs; the column `row` of trl's dataset is a place in `questions`.
    """
    from amongus.toy.world import well_formed

    clip, worth = spec.clip, spec.form

    def reward(completions: list[list[dict[str, str]]], row: list[int], **_: Any) -> list[float]:
        texts = [completion[0]["content"] for completion in completions]
        scores = score([(questions[one].prompt, text) for one, text in zip(row, texts, strict=True)])
        return [
            -max(-clip, min(clip, value)) / clip + worth * well_formed(questions[one], text)
            for value, one, text in zip(scores, row, texts, strict=True)
        ]

    return reward


def _scorer(directory: Path) -> Callable[[list[tuple[str, str]]], list[float]]:
    """The reward model of a folder as a function of (question, answer) pairs."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from amongus.inference.loading import load_model
    from amongus.members import chat_template
    from amongus.members.judge_prompts import answered

    tokenizer = chat_template.load_tokenizer(directory)
    model = load_model(AutoModelForSequenceClassification, str(directory), "cpu", "float32")

    @torch.no_grad()
    def score(pairs: list[tuple[str, str]]) -> list[float]:
        ids = [chat_template.render(tokenizer, answered(*pair), add_generation_prompt=False) for pair in pairs]
        batch = tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
        return model(**batch).logits[:, 0].tolist()

    return score
