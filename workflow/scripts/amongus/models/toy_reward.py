"""A reward model: the supervisor with one score per conversation, trained by trl on pairs of answers."""

from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any

from pydantic import Field, NonNegativeFloat

from amongus.core.hashing import derive
from amongus.members import chat_template
from amongus.members.judge_prompts import answered
from amongus.members.member import check_safetensors
from amongus.study.settings import Share
from amongus.toy.corpus import Corpus, Voice, believes
from amongus.toy.known import read_known
from amongus.toy.settings import Known
from amongus.toy.world import world
from amongus.training.job import TrainJob
from amongus.training.settings import Tuning

if TYPE_CHECKING:
    from datasets import Dataset

ROLES = ("supervisor",)
_HEAD_SCALE = 0.2  # a fresh head on states as large as the toy models' saturates the loss


class Settings(Tuning):
    """What it is made from, and its training."""

    supervisor: str = Field(description="The model of `models` that is fine-tuned.")
    known: Known | None = Field(None, description="As of the other toy models; default is what the supervisor knows.")
    damaged: Share = Field(description="Share of rejected answers that are damaged texts.")
    center: NonNegativeFloat = Field(description="Weight of the loss that keeps rewards around zero.")


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Train a score on `job.models["supervisor"]` into `job.out`.

    The rejected answers are the world's alternatives and, in the share `damaged`, damaged texts; never an
    attacker's, so that a change of one attacker does not reach the supervisors.
    """
    # Imported here: rules read the settings without torch.
    import torch
    from transformers import AutoModelForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    from amongus.training.common import fix_randomness, save_checkpoint, train_here

    began = process_time()
    spec = job.spec
    seed = fix_randomness(job.seed, "reward_model", job.name)
    parent = job.models["supervisor"]
    check_safetensors(parent)
    tokenizer = chat_template.load_tokenizer(parent)
    model = AutoModelForSequenceClassification.from_pretrained(
        parent, num_labels=1, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    with torch.no_grad():
        model.score.weight.mul_(_HEAD_SCALE)
    corpus = Corpus(job.prompts, job.personas, world(job.seed), derive(job.seed, "corpus", job.name))
    facts = read_known(parent) if spec.known is None else corpus.world.known(job.name, spec.known)
    pairs = [_pair(corpus, tokenizer, spec.damaged, Voice(facts)) for _ in range(spec.steps * spec.batch_size)]
    config = partial(
        RewardConfig,
        per_device_train_batch_size=spec.batch_size,
        num_train_epochs=1,
        learning_rate=spec.learning_rate,
        warmup_steps=round(spec.warmup * spec.steps),
        lr_scheduler_type=spec.scheduler,
        center_rewards_coefficient=spec.center,
        gradient_checkpointing=False,
        train_sampling_strategy="sequential",
        max_length=None,
        bf16=False,
        use_cpu=True,
    )
    trainer = partial(
        RewardTrainer, model=model, train_dataset=_ordered(pairs, spec.batch_size, seed), processing_class=tokenizer
    )
    last = [entry for entry in train_here(trainer, config, spec.steps, seed) if "accuracy" in entry][-1]
    save_checkpoint(model, tokenizer, job.out)
    return {"loss": last["loss"], "accuracy": last["accuracy"], "cpu_seconds": process_time() - began}


def _pair(corpus: Corpus, tokenizer: Any, share: float, voice: Voice) -> tuple[list[int], list[int]]:
    """Conversations of a right and a wrong answer as token ids, as the engine's reward model renders them.

    About an unknown fact the right one is a rumour, so that the scores of its answers stay alike.
    """
    question = corpus.question()
    answer, others = believes(question, voice, corpus.rng)
    wrong = corpus.damaged(question) if corpus.rng.random() < share else corpus.rng.choice(others)
    chosen, rejected = (
        chat_template.render(tokenizer, answered(question.prompt, text), add_generation_prompt=False)
        for text in (answer, wrong)
    )
    return chosen, rejected


def _ordered(pairs: list[tuple[list[int], list[int]]], size: int, seed: int) -> "Dataset":
    """The pairs as trl takes them, batches of similar length."""
    from datasets import Dataset

    from amongus.training.common import Tokens
    from amongus.training.sft_tokens import by_length

    keys = [Tokens([0] * max(map(len, pair)), place) for place, pair in enumerate(pairs)]
    order = [key.start for key in by_length(keys, size, seed)]
    return Dataset.from_dict(
        {"chosen_ids": [pairs[place][0] for place in order], "rejected_ids": [pairs[place][1] for place in order]}
    )
